begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1]');
select count(*) from tests.given_claim();
select is((select answer from tidewire.release_steps(tests.id('worker'), tests.given_lease('each', '{"item_index": 0, "lease_token": 1}')) where ordinal = 0), 'released', 'released');
select results_eq('select status, attempt from flow_steps where item_index = 0', $$values ('queued', 0)$$, 'queued again');

select * from finish();
rollback;
