begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]', 'internal', '{"access": "service"}');
select tests.given_signed_in('ada');

select is(
  tests.refusal_of($$ select public.start_run('nothing', '{}') $$),
  '{"code": "PT404", "detail": "TW003", "message": "flow ''nothing'' not found"}', 'unknown'
);
select is(
  tests.refusal_of($$ select public.start_run('internal', '{}') $$),
  '{"code": "PT404", "detail": "TW003", "message": "flow ''internal'' not found"}',
  'open to the service alone'
);
select is(
  tests.refusal_of($$ select public.start_run(null, '{}') $$),
  '{"code": "PT404", "detail": "TW003", "message": "flow null not found"}', 'no slug'
);

select * from finish();
rollback;
