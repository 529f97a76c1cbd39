begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.start_run('answer', '{"q": 1}', tests.id('run'), null, 'key');

select is(
  tests.refusal_of($$ select public.start_run('answer', '{"q": 2}', null, null, 'key') $$),
  '{"code": "PT409", "detail": "TW004",
    "message": "idempotency key ''key'' was used before with another input or run id"}',
  'another input'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{"q": 1}', tests.id('second'), null,
    'key') $$)
    ->> 'detail',
  'TW004', 'another run id'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{"q": 2}', tests.id('run')) $$),
  jsonb_build_object(
    'code', 'PT409', 'detail', 'TW004',
    'message', format('run id %s was used before with another input', tests.id('run'))
  ),
  'another input under the same run id'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{"q": 1}', tests.id('run'), 'thread') $$)
    ->> 'detail',
  'TW004', 'another thread'
);

select * from finish();
rollback;
