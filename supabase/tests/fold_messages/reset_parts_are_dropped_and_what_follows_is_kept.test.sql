begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run(p_thread => 'thread');
insert into flow_messages (user_id, thread_id, message_id, role, parts, status, run_id)
values (tests.id('ada'), 'thread', tests.id('run')::text, 'assistant', '[]', 'streaming',
  tests.id('run'));
select tests.given_claim();
select tests.given_chunks('[{"type": "text-start", "id": "w.1"},
  {"type": "text-delta", "id": "w.1", "delta": "wrong"}, {"type": "text-end", "id": "w.1"},
  {"type": "tool-input-available", "toolCallId": "c", "toolName": "t", "input": {}},
  {"type": "text-start", "id": "w.2"}, {"type": "text-delta", "id": "w.2", "delta": "kept"},
  {"type": "text-start", "id": "w.3"}, {"type": "text-delta", "id": "w.3", "delta": "open"},
  {"type": "data-reset", "data": {"parts": ["w.1", "w.3", "c"]}}, {"type": "text-start",
  "id": "w.1"}, {"type": "text-delta", "id": "w.1", "delta": "right"}]');
select tests.given_completed();
select tidewire.fold_messages();

select is(
  (select jsonb_path_query_array(parts, '$[*].text') from flow_messages), '["kept", "right"]',
  'texts, closed before the reset or left open'
);
select is(
  (select jsonb_path_exists(parts, '$[*] ? (@.toolCallId == "c" || @.type == "data-reset")')
    from flow_messages), false,
  'a tool call, and the reset itself'
);
select is(
  (select bool_and(p ? 'type') from flow_messages, jsonb_array_elements(parts) p),
  true,
  'every part has a type'
);

select * from finish();
rollback;
