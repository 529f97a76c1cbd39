begin;
select plan(2);

update tidewire.limits set map_items = 2;
select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1, 2, 3]');
select is((select status from flow_runs), 'failed', 'the run fails');
select matches((select error from flow_runs), 'at most 2 elements, got 3', 'naming both numbers');

select * from finish();
rollback;
