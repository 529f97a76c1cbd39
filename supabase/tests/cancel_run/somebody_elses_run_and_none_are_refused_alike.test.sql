begin;
select plan(4);

select tests.given_running();
select tests.given_user('eve');
select tests.given_signed_in('eve');

select is(
  tests.refusal_of($$ select public.cancel_run(tests.id('run')) $$),
  jsonb_build_object('code', 'PT404', 'detail', 'TW003', 'message',
    format('run %s not found', tests.id('run'))),
  'somebody else''s'
);
select is(
  tests.refusal_of($$ select public.cancel_run(tests.id('none')) $$),
  jsonb_build_object('code', 'PT404', 'detail', 'TW003', 'message',
    format('run %s not found', tests.id('none'))),
  'none'
);
select is(
  tests.refusal_of($$ select public.cancel_run(null) $$) ->> 'message',
  'run null not found',
  'no id'
);
reset role;
select is((select status from flow_runs), 'running', 'the run goes on');

select * from finish();
rollback;
