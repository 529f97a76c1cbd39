begin;
select plan(3);

select tests.given_running();

select results_eq(
  $$ select answer, detail
    from tidewire.save_checkpoint('15 s',
    tests.given_append('[{"type": "text-start", "id": "w.1"}]',
    p_more => jsonb_build_object('data', repeat('x', 1048575)))) $$,
  $$ values ('invalid', '{"reason": "data must be at most 1048576 bytes"}'::jsonb) $$,
  'one byte over'
);
select is((select last_sequence from flow_steps), 0::bigint, 'no chunk was taken');
select is(
  (select answer
    from tidewire.save_checkpoint('15 s',
    tests.given_lease('write', jsonb_build_object('data', repeat('x', 1048574))))),
  'saved', 'the limit itself is allowed'
);

select * from finish();
rollback;
