begin;
select plan(5);

select tests.given_running();
select tests.given_signed_in(null);
select results_eq(
  $$ select t, tests.refusal_of(format('select count(*) from public.%I', t)) ->> 'code'
    from unnest(array['flow_runs', 'flow_steps', 'streaming_chunks', 'flow_threads',
      'flow_messages']) t $$,
  $$ select t, '42501'
    from unnest(array['flow_runs', 'flow_steps', 'streaming_chunks', 'flow_threads',
    'flow_messages']) t $$, 'no table'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{}') $$) ->> 'code',
  '42501',
  'start_run'
);
select is(
  tests.refusal_of($$ select public.send_message('t', '{}', 'answer') $$) ->> 'code',
  '42501',
  'send_message'
);
select is(
  tests.refusal_of($$ select public.read_log(tests.id('run')) $$) ->> 'code',
  '42501',
  'read_log'
);
select is(
  tests.refusal_of($$ select public.cancel_run(tests.id('run')) $$) ->> 'code',
  '42501',
  'cancel_run'
);

select * from finish();
rollback;
