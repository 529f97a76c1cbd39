begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run(p_priority => 10);
select tests.given_flow('[{"slug": "search"}, {"slug": "write", "deps": ["search"], "priority": 1}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select results_eq(
  'select step_slug, status, remaining_deps, priority from flow_steps order by 1',
  $$ values ('search', 'queued', 0, 10), ('write', 'waiting', 1, 11) $$,
  'it waits, and the run''s priority adds to the step''s'
);
select tests.given_claim();
select tests.given_completed('search', '1');
select is((select status from flow_steps where step_slug = 'write'), 'queued', 'until it is done');
select is((select remaining_steps from flow_runs), 1, 'one step remains');

select * from finish();
rollback;
