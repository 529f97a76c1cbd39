begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');

select is(
  tests.refusal_of($$ select public.start_run('answer', null) $$),
  '{"code": "PT400", "detail": "TW001", "message": "input must be JSON, got nothing"}', 'input'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{}', null, 'bad id!') $$),
  '{"code": "PT400", "detail": "TW001",
    "message": "thread_id must be 1 to 64 of A-Z a-z 0-9 _ -, got ''bad id!''"}',
  'thread_id'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{}', null, E'line\n') $$) ->> 'detail',
  'TW001', 'thread_id with a line break at its end'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{}', null, null, '') $$),
  '{"code": "PT400", "detail": "TW001",
    "message": "idempotency_key must be 1 to 255 characters, got 0"}',
  'idempotency_key'
);

select * from finish();
rollback;
