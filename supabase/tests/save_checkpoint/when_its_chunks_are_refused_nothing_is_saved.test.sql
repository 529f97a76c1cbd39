begin;
select plan(5);

select tests.given_running();

select results_eq(
  $$ select answer, detail
    from tidewire.save_checkpoint('15 s',
    tests.given_append('[{"type": "text-start", "id": "w.1"}]',
    p_more => '{"data": 1, "first_sequence": 9}')) $$,
  $$ values ('gap', '{"expected_sequence": 0}'::jsonb) $$, 'gap'
);
select is(
  (select answer
    from tidewire.save_checkpoint('15 s',
    tests.given_append('[{"type": "finish"}]', p_more => '{"data": 1}'))), 'invalid', 'invalid'
);
select is(
  (select answer
    from tidewire.save_checkpoint('15 s',
    tests.given_append('[{"type": "text-start", "id": "w.1"}]',
    p_more => '{"data": 1, "lease_token": 0}'))),
  'lease_lost', 'lease_lost'
);
select is(
  (select answer
    from tidewire.save_checkpoint('15 s',
    tests.given_lease('write', '{"data": 1, "lease_token": 0}'))), 'lease_lost',
    'lease_lost without chunks'
);
select is((select checkpoint_at from flow_steps), null, 'nothing was saved');

select * from finish();
rollback;
