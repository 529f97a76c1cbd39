begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run(p_thread => 'thread');
insert into flow_messages (user_id, thread_id, message_id, role, parts, status, run_id)
values (tests.id('ada'), 'thread', tests.id('run')::text, 'assistant', '[]', 'streaming',
  tests.id('run'));
select tests.given_claim();
select tests.given_chunks('[
  {"type": "tool-input-start", "toolCallId": "a", "toolName": "look"}, {"type": "tool-input-delta",
  "toolCallId": "a", "inputTextDelta": "{}"},
  {"type": "tool-input-available", "toolCallId": "a", "toolName": "look", "input": {"q": null}},
  {"type": "tool-output-available", "toolCallId": "a", "output": 1, "preliminary": true},
  {"type": "tool-output-available", "toolCallId": "a", "output": 0},
  {"type": "tool-input-available", "toolCallId": "b", "toolName": "look", "input": 0},
  {"type": "tool-output-error", "toolCallId": "b", "errorText": "no"},
  {"type": "tool-input-start", "toolCallId": "c", "toolName": "look"}]');
select tests.given_completed();
select tidewire.fold_messages();

select is(
  (select parts - 0 from flow_messages),
  '[{"type": "tool-look", "toolCallId": "a", "state": "output-available", "input": {"q": null},
    "output": 0},
    {"type": "tool-look", "toolCallId": "b", "state": "output-error", "input": 0,
    "errorText": "no"},
    {"type": "tool-look", "toolCallId": "c", "state": "output-error",
    "errorText": "The step ended before the tool answered."}]',
  'its last output counts, falsy ones are kept, a call left open ended in an error'
);
select is((select status from flow_messages), 'complete', 'the message is complete');

select * from finish();
rollback;
