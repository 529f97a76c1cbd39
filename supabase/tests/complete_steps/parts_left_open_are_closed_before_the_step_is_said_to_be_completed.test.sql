begin;
select plan(2);

select tests.given_running();
select tests.given_chunks(
  '[{"type": "text-start", "id": "w.1"}, {"type": "reasoning-start", "id": "w.2"},
    {"type": "tool-input-available", "toolCallId": "c", "toolName": "t", "input": {}}]'
);
select tests.given_completed();

select is(
  (tests.log_of())[6:],
  array['text-end w.1', 'reasoning-end w.2', 'tool-output-error c', 'data-progress write completed',
    'finish'], 'oldest first'
);
select is((select open_parts from flow_steps), '[]', 'the step has none open');

select * from finish();
rollback;
