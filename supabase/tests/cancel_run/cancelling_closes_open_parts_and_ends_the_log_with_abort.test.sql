begin;
select plan(4);

select tests.given_running(
  '[{"slug": "write"}, {"slug": "draw"}, {"slug": "show", "deps": ["write", "draw"]}]'
);
select tests.given_chunks('[{"type": "text-start", "id": "write.1"}]', 'write');
select tests.given_chunks(
  '[{"type": "tool-input-start", "toolCallId": "call", "toolName": "brush"}]',
  'draw'
);

select tests.given_signed_in('ada');
select is(
  public.cancel_run(tests.id('run')),
  jsonb_build_object('run_id', tests.id('run'), 'status', 'cancelled'), 'the answer says cancelled'
);
reset role;
select is(
  (tests.log_of())[6:], '{tool-output-error call,text-end write.1,abort}',
  'open parts are closed, abort is last'
);
select results_eq(
  $$ select step_slug, status, lease_expires_at, worker_id, open_parts from flow_steps
    order by 1 $$,
  $$ values ('draw', 'cancelled', null::timestamptz, null::uuid, '[]'::jsonb),
    ('show', 'cancelled', null, null, '[]'),
    ('write', 'cancelled', null, null, '[]') $$,
  'no step goes on'
);
select is(
  (select array_agg(answer)
    from tidewire.append_chunks('15 s',
    tests.given_append('[{"type": "text-end", "id": "write.1"}]'))),
  '{cancelled}', 'its worker is told'
);

select * from finish();
rollback;
