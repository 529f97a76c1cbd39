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
select tests.given_completed();
delete from streaming_chunks;
insert into streaming_chunks (run_id, chunk_index, first_index, delta_ends, chunk_data)
values
  (tests.id('run'), 1, 1, null, '{"type": "text-start", "id": "w.1"}'),
  (tests.id('run'), 4, 2, '{1,2,3}', '{"type": "text-delta", "id": "w.1", "delta": "abc"}'),
  (tests.id('run'), 5, 5, null, '{"type": "text-delta", "id": "w.1", "delta": "d"}');
select tidewire.fold_messages();

select is(
  (select parts from flow_messages),
  '[{"type": "text", "text": "abcd", "state": "done"}]',
  'one text'
);
select isnt((select folded_at from flow_runs), null, 'the run is known to be folded');

select * from finish();
rollback;
