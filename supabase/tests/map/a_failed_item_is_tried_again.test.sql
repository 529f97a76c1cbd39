begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "backoff_base_ms": 0, "backoff_cap_ms": 0}]');
select tests.given_run(p_input => '[1]');
select count(*) from tests.given_claim();
select is((select answer from tidewire.fail_steps(tests.id('worker'), tests.given_lease('each',
  '{"item_index": 0, "lease_token": 1, "error": "x", "message": "x", "retryable": true}')) where ordinal = 0), 'retrying', 'retrying');
select is((select (detail ->> 'attempt')::int from tests.given_claim() where answer = 'claimed'), 2, 'claimed again');
select is((select count(*) from streaming_chunks where chunk_data -> 'data' ->> 'status' = 'retrying'), 0::bigint, 'the log says nothing of items');

select * from finish();
rollback;
