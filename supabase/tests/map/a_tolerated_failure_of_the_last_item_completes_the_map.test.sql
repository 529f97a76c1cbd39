begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "max_attempts": 1, "tolerance": 1}]');
select tests.given_run(p_input => '[1]');
select count(*) from tests.given_claim();
select tidewire.fail_steps(tests.id('worker'), tests.given_lease('each', '{"item_index": 0, "lease_token": 1, "error": "x", "message": "x"}'));
select is((select status from flow_runs), 'completed', 'the run completes');
select is((select output from flow_runs), '[null]', 'with null in its place');

select * from finish();
rollback;
