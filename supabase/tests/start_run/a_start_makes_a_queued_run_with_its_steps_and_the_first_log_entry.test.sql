begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');

select tests.given_signed_in('ada');
select is(
  public.start_run('answer', '{"q": 1}', tests.id('run')),
  jsonb_build_object(
    'run_id', tests.id('run'), 'message_id', tests.id('run'), 'status', 'queued', 'created', true
  ),
  'the answer names the run and the message it becomes'
);
reset role;
select results_eq(
  $$ select user_id, status, input, remaining_steps, next_index from flow_runs
    where run_id = tests.id('run') $$,
  $$ values (tests.id('ada'), 'queued', '{"q": 1}'::jsonb, 2, 1::bigint) $$,
  'the run belongs to the caller'
);
select results_eq(
  $$ select step_slug, status, remaining_deps from flow_steps where run_id = tests.id('run')
    order by 1 $$,
  $$ values ('search', 'queued', 0), ('write', 'waiting', 1) $$,
  'only the step without dependencies is ready'
);
select results_eq(
  $$ select chunk_index, chunk_data from streaming_chunks where run_id = tests.id('run') $$,
  $$ values (0::bigint, jsonb_build_object(
    'type', 'start', 'messageId', tests.id('run'),
    'messageMetadata', jsonb_build_object('runId', tests.id('run'), 'flow', 'answer')
  )) $$,
  'the log begins with start'
);

select * from finish();
rollback;
