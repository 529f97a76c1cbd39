begin;
select plan(3);

select tests.given_running();

select results_eq(
  $$ select answer, detail from tidewire.complete_steps(tests.id('worker'),
    tests.given_append('[{"type": "text-start", "id": "w.1"}]',
      p_more => '{"output": 1, "first_sequence": 4}'), '15 s', '{}', '{}', 0) where ordinal = 0 $$,
  $$ values ('gap', '{"expected_sequence": 0}'::jsonb) $$, 'gap'
);
select is(
  (select answer from tidewire.complete_steps(tests.id('worker'),
    tests.given_append('[{"type": "abort"}]', p_more => '{"output": 1}'), '15 s', '{}', '{}', 0)
      where ordinal = 0), 'invalid', 'invalid'
);
select is((select status from flow_steps), 'running', 'the step goes on');

select * from finish();
rollback;
