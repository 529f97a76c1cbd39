begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run(p_owner => null);
select tests.given_signed_in('ada');

select is(
  tests.refusal_of($$ select public.cancel_run(tests.id('run')) $$) ->> 'code',
  'PT404',
  'cancel_run'
);
select is(
  tests.refusal_of($$ select public.read_log(tests.id('run')) $$) ->> 'code',
  'PT404',
  'read_log'
);

select * from finish();
rollback;
