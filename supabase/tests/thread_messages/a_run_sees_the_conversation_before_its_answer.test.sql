begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop as select 1 as nth,
  (public.send_message('thread', tests.message('first'), 'answer') ->> 'run_id')::uuid as run_id;
insert into sent select 2,
  (public.send_message('thread', tests.message('second') || '{"metadata": {"a": 1}}', 'answer',
  'queue') ->> 'run_id')::uuid;
insert into sent select 3,
  (public.send_message('elsewhere', tests.message('other'), 'answer') ->> 'run_id')::uuid;
reset role;

select is(
  (select tidewire.thread_messages(run_id) from sent where nth = 1),
  jsonb_build_array(tests.message('first')),
  'the first sees the first question'
);
select is(
  (select jsonb_path_query_array(tidewire.thread_messages(run_id), '$[*].id') from sent
    where nth = 2),
  '["first", "second"]', 'the second does not see an answer in progress'
);
select public.cancel_run(run_id) from sent where nth = 1;
select is(
  (select tidewire.thread_messages(run_id) from sent where nth = 2),
  (select jsonb_build_array(tests.message('first'), jsonb_build_object(
      'id', run_id, 'role', 'assistant', 'parts', '[]'::jsonb, 'metadata',
      jsonb_build_object('runId', run_id, 'flow', 'answer')),
    tests.message('second') || '{"metadata": {"a": 1}}') from sent where nth = 1),
  'the second sees the ended answer, folded'
);
update flow_messages set superseded_by = 'second' where message_id = 'first';
select is(
  (select jsonb_path_query_array(tidewire.thread_messages(run_id), '$[*].role') from sent
    where nth = 2), '["assistant", "user"]', 'superseded ones are left out'
);

select * from finish();
rollback;
