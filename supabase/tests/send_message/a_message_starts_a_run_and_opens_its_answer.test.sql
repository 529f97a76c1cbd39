begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop as
  select public.send_message('thread', tests.message() || '{"metadata": {"a": 1}}', 'answer')
    as answer;

select is(
  (select answer - 'run_id' - 'message_id' from sent),
  '{"thread_id": "thread", "status": "queued", "created": true}', 'the answer'
);
select is(
  (select input from flow_runs),
  jsonb_build_object('message', tests.message() || '{"metadata": {"a": 1}}'),
  'the input is the message'
);
select results_eq(
  $$ select message_id, role, parts, metadata, status from flow_messages order by position $$,
  $$ values ('question', 'user', tests.message() -> 'parts', '{"a": 1}'::jsonb, 'complete'),
    ((select answer ->> 'message_id' from sent), 'assistant', '[]', null, 'streaming') $$,
  'question and answer stand in the thread'
);
select results_eq(
  $$ select title, active_run_id from flow_threads $$,
  $$ select 'Why is the sea salt?', (answer ->> 'run_id')::uuid from sent $$,
  'the thread is named by its first words'
);

select * from finish();
rollback;
