begin;
select plan(3);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}]');

select results_eq(
  $$ select answer, detail from tidewire.complete_steps(tests.id('worker'),
    tests.given_lease('a', jsonb_build_object('output', repeat('x', 1048575))), '15 s', '{}', '{}',
    0) where ordinal = 0 $$,
  $$ values ('invalid', '{"reason": "output must be at most 1048576 bytes"}'::jsonb) $$,
  'one byte over'
);
select is(
  (select status from flow_steps where step_slug = 'a'),
  'running',
  'the step can still fail with a readable error'
);
select is(
  (select array_agg(answer) from tests.given_completed('b', to_jsonb(repeat('x', 1048574)))),
  '{completed,logged}',
  'the limit itself is allowed'
);

select * from finish();
rollback;
