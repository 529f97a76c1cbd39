begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1]');
select is((select status from flow_runs), 'running', 'before an item is claimed');
select isnt((select started_at from flow_runs), null, 'with its time');

select * from finish();
rollback;
