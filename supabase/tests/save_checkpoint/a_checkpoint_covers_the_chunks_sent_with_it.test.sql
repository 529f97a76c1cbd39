begin;
select plan(4);

select tests.given_running();

select results_eq(
  $$ select ordinal, answer, detail from tidewire.save_checkpoint('15 s',
    tests.given_append('[{"type": "text-start", "id": "write.1"},
      {"type": "text-delta", "id": "write.1", "delta": "x"}]', p_more => '{"data": {"n": 1}}')) $$,
  $$ values (0, 'saved', '{"index": 3, "first_index": 2}'::jsonb) $$,
  'its index is that of the last of them'
);
select results_eq(
  $$ select checkpoint_data, checkpoint_index from flow_steps $$,
  $$ values ('{"n": 1}'::jsonb, 3::bigint) $$, 'it is stored'
);
select results_eq(
  $$ select answer, detail
    from tidewire.save_checkpoint('15 s', tests.given_lease('write', '{"data": 0}')) $$,
  $$ values ('saved', '{"index": 3}'::jsonb) $$, 'without chunks it covers what is there'
);
select is((select checkpoint_data from flow_steps), '0', 'the last one counts, also a falsy one');

select * from finish();
rollback;
