begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "max_attempts": 1}]');
select tests.given_run(p_thread => 'thread');
insert into flow_messages (user_id, thread_id, message_id, role, parts, status, run_id)
values (tests.id('ada'), 'thread', tests.id('run')::text, 'assistant', '[]', 'streaming',
  tests.id('run'));
select tests.given_claim();
select tests.given_chunks(
  '[{"type": "text-start", "id": "w.1"}, {"type": "text-delta", "id": "w.1", "delta": "Be"}]'
);
select is(tidewire.fold_messages(), 0, 'a run that goes on is not folded');
select tests.given_failed();
select is(tidewire.fold_messages(array[tests.id('run')]), 1, 'a failed one is, by its id');
select results_eq(
  $$ select status, parts -> 1 from flow_messages $$,
  $$ values ('incomplete', '{"type": "text", "text": "Be", "state": "done"}'::jsonb) $$,
  'with what came'
);

select * from finish();
rollback;
