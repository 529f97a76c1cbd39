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
select tests.given_chunks('[{"type": "data-sources", "id": "sources", "data": [1]},
  {"type": "data-note", "data": "a"}, {"type": "data-note", "data": "b"},
  {"type": "data-other", "id": "sources", "data": 0}, {"type": "data-hint", "id": "h", "data": 1,
  "transient": true}, {"type": "data-sources", "id": "sources", "data": [1, 2]}]');
select tests.given_completed();
select tidewire.fold_messages();

select is(
  (select parts - 0 from flow_messages),
  '[{"type": "data-sources", "id": "sources", "data": [1, 2]}, {"type": "data-note", "data": "a"},
    {"type": "data-note", "data": "b"},
    {"type": "data-other", "id": "sources", "data": 0}]',
  'in the first one''s place; without an id each is its own; transient ones are left out'
);
select is(
  (select parts -> 0 -> 'data' ->> 'status' from flow_messages),
  'completed',
  'progress too'
);

select * from finish();
rollback;
