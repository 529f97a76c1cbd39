begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "a", "when": "$.input.go"}]');
select tests.given_run();
select is((select status from flow_runs), 'completed', 'the run completes');
select is((select output from flow_runs), 'null', 'with null');

select * from finish();
rollback;
