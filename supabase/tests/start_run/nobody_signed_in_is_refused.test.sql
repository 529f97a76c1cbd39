begin;
select plan(4);

select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select set_config('role', 'authenticated', true);

select is(
  tests.refusal_of($$ select public.start_run('answer', '{}') $$),
  '{"code": "PT401", "detail": "TW007", "message": "this call needs a signed-in user"}',
  'start_run'
);
select is(
  tests.refusal_of($$ select public.send_message('thread', tests.message(),
    'answer') $$) ->> 'code',
  'PT401', 'send_message'
);
select is(
  tests.refusal_of($$ select public.cancel_run(tests.id('run')) $$) ->> 'code',
  'PT401',
  'cancel_run'
);
select is(
  tests.refusal_of($$ select public.read_log(tests.id('run')) $$) ->> 'code',
  'PT401',
  'read_log'
);

select * from finish();
rollback;
