begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.start_run('answer', '{}', tests.id('run'), 'thread');

select is(
  tests.refusal_of($$ select public.start_run('answer', '{}', null, 'thread') $$),
  jsonb_build_object(
    'code', 'PT409', 'detail', 'TW005',
    'message', format('thread thread has the active run %s', tests.id('run'))
  ),
  'the refusal names the active run'
);
select is(
  (public.start_run('answer', '{}', tests.id('run'), 'thread') ->> 'created')::boolean,
  false, 'repeating the active start is no second run'
);
select public.cancel_run(tests.id('run'));
select is(
  (public.start_run('answer', '{}', null, 'thread') ->> 'created')::boolean,
  true, 'an ended run makes room'
);

select * from finish();
rollback;
