begin;
select plan(2);

select tests.given_user('ada');
select tests.given_user('eve');
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.start_run('answer', '{"q": 1}', tests.id('run'), null, 'key');

select tests.given_signed_in('eve');
select is(
  tests.refusal_of($$ select public.start_run('answer', '{"q": 1}', tests.id('run')) $$),
  jsonb_build_object(
    'code', 'PT409', 'detail', 'TW004',
    'message', format('run id %s was used before with another input', tests.id('run'))
  ),
  'the id is refused in the words used for one''s own'
);
select is(
  (public.start_run('answer', '{"q": 1}', null, null, 'key') ->> 'created')::boolean,
  true, 'the same key of another user is another key'
);

select * from finish();
rollback;
