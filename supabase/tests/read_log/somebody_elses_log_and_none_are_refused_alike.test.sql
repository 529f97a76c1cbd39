begin;
select plan(2);

select tests.given_running();
select tests.given_user('eve');
select tests.given_signed_in('eve');

select is(
  tests.refusal_of($$ select public.read_log(tests.id('run')) $$),
  jsonb_build_object('code', 'PT404', 'detail', 'TW003', 'message',
    format('run %s not found', tests.id('run'))), 'somebody else''s'
);
select is(
  tests.refusal_of($$ select public.read_log(tests.id('none')) $$),
  jsonb_build_object('code', 'PT404', 'detail', 'TW003', 'message',
    format('run %s not found', tests.id('none'))), 'none'
);

select * from finish();
rollback;
