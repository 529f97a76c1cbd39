begin;
select plan(4);

select tests.given_worker();
create temporary table registered on commit drop as
  select tests.given_flow(
    '[{"slug": "search", "queue": "slow", "priority": 3},
      {"slug": "write", "deps": ["search"], "stream": true, "publish": true,
      "on_retry": "restart"}]'
  ) as version;

select is(
  (select version from registered),
  (select encode(sha256(convert_to(definition::text, 'UTF8')), 'hex') from tidewire.flow_versions),
  'its hash names it'
);
select results_eq(
  $$ select step_slug, ordinal, queue, priority, dep_count, is_leaf, max_attempts, attempt_timeout,
    backoff_base,
      backoff_cap, streams, publishes, on_retry from tidewire.step_definitions order by ordinal $$,
  $$ values
    ('search', 0, 'slow', 3, 0, false, 3, interval '10 min', interval '1 s', interval '1 min',
      false, false, 'continue'),
    ('write', 1, 'default', 0, 1, true, 3, interval '10 min', interval '1 s', interval '1 min',
      true, true, 'restart') $$,
  'its steps'
);
select results_eq(
  $$ select step_slug, depends_on from tidewire.step_dependencies $$,
  $$ values ('write', 'search') $$, 'its edges'
);
select is(
  (select versions from tidewire.workers),
  array(select version from registered),
  'the worker serves it'
);

select * from finish();
rollback;
