begin;
select plan(5);

select tests.given_running('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');
select tests.given_completed('search', '["a"]');
select tests.given_flow(
  '[{"slug": "search"}, {"slug": "rank", "deps": ["search"], "queue": "quick", "priority": 5},
    {"slug": "write", "deps": ["rank"], "max_attempts": 7, "priority": 2}]'
);

select results_eq(
  $$ select * from tidewire.move_runs(
    'answer', null, (select flow_version from flow_runs)) $$,
  $$ values (tests.id('run'), 'moved', null) $$,
  'the run is moved'
);
select is(
  (select flow_version from flow_runs),
  (select current_version from tidewire.flows),
  'it is of the current version'
);
select is((select remaining_steps from flow_runs), 2, 'two steps remain');
select results_eq(
  $$ select step_slug, status, remaining_deps, queue, priority, max_attempts
    from flow_steps order by 1 $$,
  $$ values
    ('rank', 'queued', 0, 'quick', 5, 3),
    ('search', 'completed', 0, 'default', 0, 3),
    ('write', 'waiting', 1, 'default', 2, 7) $$,
  'the new step is ready, the open one waits for it, and the finished one stays'
);
select is(
  (select count(distinct flow_version) from flow_steps where finished_at is null), 1::bigint,
  'open steps are of the new version'
);

select * from finish();
rollback;
