begin;
select plan(2);

select tests.given_running(
  '[{"slug": "a"}, {"slug": "b"}, {"slug": "c", "deps": ["a", "b"]}, {"slug": "d", "deps": ["a"]}]'
);
select tests.given_completed('a');
select results_eq(
  $$ select step_slug, status, remaining_deps from flow_steps order by 1 $$,
  $$ values ('a', 'completed', 0), ('b', 'running', 0), ('c', 'waiting', 1), ('d', 'queued', 0) $$,
  'one is not enough'
);
select tests.given_completed('b');
select is((select status from flow_steps where step_slug = 'c'), 'queued', 'both are');

select * from finish();
rollback;
