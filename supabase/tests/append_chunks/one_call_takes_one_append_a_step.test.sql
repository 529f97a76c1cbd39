begin;
select plan(2);

select tests.given_running();

select results_eq(
  $$ select ordinal, answer, detail ->> 'reason' from tidewire.append_chunks('15 s',
      tests.given_append('[{"type": "text-start", "id": "write.1"}]')
      || tests.given_append('[{"type": "text-end", "id": "write.1"}]',
        p_more => '{"first_sequence": 1}')) order by 1 $$,
  $$ values (0, 'appended', null), (1, 'invalid', 'a call must hold at most one append a step') $$,
  'the second is invalid'
);
select is((select last_sequence from flow_steps), 1::bigint, 'the first counts');

select * from finish();
rollback;
