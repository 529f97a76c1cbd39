begin;
select plan(2);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}, {"slug": "c", "deps": ["a", "b"]}]');
select results_eq(
  $$ select ordinal, answer from tidewire.complete_steps(tests.id('worker'),
      tests.given_lease('a', '{"output": 1}') || tests.given_lease('b', '{"output": 2}'), '15 s',
      '{}', '{}', 0)
    where ordinal is not null order by 1 $$,
  $$ values (0, 'completed'), (1, 'completed') $$, 'both are completed'
);
select results_eq(
  $$ select status, remaining_deps from flow_steps where step_slug = 'c' $$,
  $$ values ('queued', 0) $$, 'the dependent is ready'
);

select * from finish();
rollback;
