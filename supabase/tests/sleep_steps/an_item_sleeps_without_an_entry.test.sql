begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1]');
select count(*) from tests.given_claim();
select is((select answer from tidewire.sleep_steps(tests.id('worker'), tests.given_lease('each', '{"item_index": 0, "lease_token": 1, "name": "nap", "wait_ms": 1000}')) where ordinal = 0), 'slept', 'slept');
select is((select count(*) from streaming_chunks), 2::bigint, 'the log has the start and the map alone');

select * from finish();
rollback;
