begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "publish": true}]');
select tests.given_run(p_thread => 'thread');
insert into flow_messages (user_id, thread_id, message_id, role, parts, status, run_id)
values (tests.id('ada'), 'thread', tests.id('run')::text, 'assistant', '[]', 'streaming',
  tests.id('run'));
select tests.given_claim();
select tests.given_chunks('[{"type": "start-step"}, {"type": "reasoning-start", "id": "w.1"},
  {"type": "reasoning-delta", "id": "w.1", "delta": "hm"}, {"type": "reasoning-end", "id": "w.1"},
  {"type": "text-start", "id": "w.2"}, {"type": "text-delta", "id": "w.2", "delta": "Sa"},
  {"type": "text-delta", "id": "w.2", "delta": "lt"},
  {"type": "source-url", "sourceId": "s", "url": "https://example.com"},
  {"type": "message-metadata", "messageMetadata": {"usage": {"in": 1}}}]');
select tests.given_completed('write', '0');

select is(tidewire.fold_messages(), 1, 'one message');
select is(
  (select parts from flow_messages),
  '[{"type": "data-progress", "id": "write",
    "data": {"step": "write", "status": "completed", "attempt": 1}},
    {"type": "step-start"}, {"type": "reasoning", "text": "hm", "state": "done"}, {"type": "text",
    "text": "Salt", "state": "done"},
    {"type": "source-url", "sourceId": "s", "url": "https://example.com"}, {"type": "data-write",
    "id": "write", "data": 0}]',
  'each part stands where it began'
);
select results_eq(
  $$ select status, metadata from flow_messages $$,
  $$ values ('complete',
    jsonb_build_object('runId', tests.id('run'), 'flow', 'answer', 'usage', '{"in": 1}'::jsonb)) $$,
    'metadata is merged'
);
select is(tidewire.fold_messages(), 0, 'folding again changes nothing');

select * from finish();
rollback;
