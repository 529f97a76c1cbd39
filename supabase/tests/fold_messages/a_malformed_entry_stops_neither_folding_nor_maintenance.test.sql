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
select tests.given_chunks('[{"type": "data-reset", "data": {"parts": "w.1"}},
  {"type": "data-reset", "data": {"parts": {}}},
  {"type": "data-reset", "data": 5}, {"type": "data-reset"}, {"type": "text-start"},
  {"type": "text-delta", "delta": {"a": 1}},
  {"type": "tool-output-available"}, {"type": "tool-input-start", "toolCallId": 7},
  {"type": "message-metadata", "messageMetadata": "x"},
  {"type": "message-metadata", "messageMetadata": {"a": {"b": 1}}}, {"type": "data-x",
  "id": {"a": 1}, "transient": "yes"}]');
select tests.given_completed();

select is(tests.refusal_of($$ select tidewire.maintain() $$), null, 'maintain does not raise');
select is((select status from flow_messages), 'complete', 'the message is folded');
select tests.given_signed_in('ada');
select is(
  tests.refusal_of($$ select public.read_log(tests.id('run')) $$),
  null,
  'the log can be read'
);

select * from finish();
rollback;
