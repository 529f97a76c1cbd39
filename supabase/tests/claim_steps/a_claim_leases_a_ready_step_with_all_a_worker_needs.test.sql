begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run(p_thread => 'thread', p_input => '{"q": 1}');
select tests.given_clock('2030-01-01 12:00:00+00');
update flow_steps set available_at = '2030-01-01 11:00:00+00';

select is(
  (select detail from tests.given_claim(1) where answer = 'claimed'),
  jsonb_build_object(
    'run_id', tests.id('run'), 'step_slug', 'write', 'item_index', -1, 'flow_slug', 'answer',
    'flow_version', (select flow_version from flow_runs), 'attempt', 1, 'max_attempts', 3,
    'lease_token', 1,
    'timeout_ms', 600000, 'user_id', tests.id('ada'), 'thread_id', 'thread', 'message_id',
    tests.id('run'),
    'item', null, 'sleeps', null, 'run_input', '{"q": 1}'::jsonb, 'inputs', '{}'::jsonb, 'checkpoint', null, 'last_sequence', 0,
    'last_index', null,
    'open_parts', '[]'::jsonb, 'broadcast', true
  ),
  'the claimed row'
);
select results_eq(
  $$ select status, attempt, lease_token, worker_id, lease_expires_at, attempt_deadline_at
    from flow_steps $$,
  $$ values ('running', 1, 1::bigint, tests.id('worker'), '2030-01-01 12:00:15+00'::timestamptz,
    '2030-01-01 12:10:00+00'::timestamptz) $$,
  'the lease'
);
select results_eq(
  $$ select status, started_at from flow_runs $$,
  $$ values ('running', '2030-01-01 12:00:00+00'::timestamptz) $$, 'the run runs'
);
select is(tests.log_of(), array['start', 'data-progress write started'], 'the log says started');

select * from finish();
rollback;
