begin;
select plan(4);

select tests.given_running();
select tests.given_chunks('[{"type": "text-start", "id": "write.1"}]');
create temporary table request on commit drop
  as select tests.given_append('[{"type": "text-end", "id": "write.1"}]',
  p_more => '{"output": 1, "data": 1, "error": "x", "lease_token": 1}') as items;
delete from auth.users where id = tests.id('ada');

select is(
  (select count(*) from flow_runs) + (select count(*) from streaming_chunks),
  0::bigint,
  'nothing of the user remains'
);
select is(
  (select answer from request, tidewire.append_chunks('15 s', items)),
  'cancelled',
  'append_chunks'
);
select results_eq(
  $$ select a.answer from request, tidewire.save_checkpoint('15 s', items) a
    union all select a.answer from request,
    tidewire.complete_steps(tests.id('worker'), items, '15 s', '{}', '{}', 0) a
    union all select a.answer from request, tidewire.fail_steps(tests.id('worker'), items) a
    union all select a.answer from request,
    tidewire.extend_leases(tests.id('worker'), '15 s', items) a
    union all select a.answer from request, tidewire.release_steps(tests.id('worker'), items) a $$,
  $$ values ('cancelled'), ('cancelled'), ('cancelled'), ('cancelled'), ('cancelled') $$,
  'and every other write'
);
select is(
  (select tidewire.read_step_text(tests.id('run'), 'write', -1, 1)), '{"parts": {}}',
  'reading gives nothing'
);

select * from finish();
rollback;
