begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '{"a": 1}');
select is((select status from flow_runs), 'failed', 'the run fails');
select matches((select error from flow_runs), 'each maps over input.* object', 'and says why');

select * from finish();
rollback;
