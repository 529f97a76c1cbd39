begin;
select plan(3);

select tests.given_running();
select tests.given_chunks('[{"type": "reasoning-start", "id": "w.1"},
  {"type": "reasoning-end", "id": "w.1"}, {"type": "text-start", "id": "w.2"},
  {"type": "tool-input-start", "toolCallId": "c1", "toolName": "t"},
  {"type": "tool-input-available", "toolCallId": "c2", "toolName": "t", "input": {}}]');
select is(
  (select open_parts from flow_steps),
  '[{"type": "text", "id": "w.2"}, {"type": "tool", "id": "c1"}, {"type": "tool", "id": "c2"}]',
  'what was begun and not ended, oldest first'
);
select tests.given_chunks(
  '[{"type": "tool-output-available", "toolCallId": "c1", "output": 1, "preliminary": true},
    {"type": "tool-output-available", "toolCallId": "c2", "output": 1}]'
);
select is(
  (select open_parts from flow_steps),
  '[{"type": "text", "id": "w.2"}, {"type": "tool", "id": "c1"}]',
  'a preliminary output closes nothing'
);
select tests.given_chunks(
  '[{"type": "text-end", "id": "w.2"}, {"type": "text-start", "id": "w.3"},
    {"type": "tool-output-error", "toolCallId": "c1", "errorText": "x"}, {"type": "text-start",
    "id": "w.2"}]'
);
select is(
  (select open_parts from flow_steps),
  '[{"type": "text", "id": "w.3"}, {"type": "text", "id": "w.2"}]', 'a part may be opened again'
);

select * from finish();
rollback;
