begin;
select plan(2);

select tests.given_running();

select results_eq(
  $$
    select a.answer
    from (values ('[{"type": 5}]'), ('[{"type": null}]'), ('[{"type": {}}]'), ('[{"type": ""}]'))
        wrong (chunks),
      tidewire.append_chunks('15 s', tests.given_append(chunks::jsonb)) a
  $$,
  $$ values ('invalid'), ('invalid'), ('invalid'), ('invalid') $$,
  'a number, null, an object, nothing'
);
select is((select last_sequence from flow_steps), 0::bigint, 'nothing was counted');

select * from finish();
rollback;
