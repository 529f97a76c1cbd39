begin;
select plan(2);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}]');
select is(
  tests.refusal_of($$ select tidewire.complete_steps(tests.id('worker'),
    tests.given_append('{}', 'a', p_more => '{"output": 1}')
    || tests.given_lease('b', '{"output": 1}'), '15 s', '{}', '{}', 0) $$),
  null, 'the call is not refused'
);
select results_eq(
  $$ select step_slug, status from flow_steps order by 1 $$,
  $$ values ('a', 'running'), ('b', 'completed') $$, 'the neighbour is completed'
);

select * from finish();
rollback;
