begin;
select plan(9);

select tests.given_failed_diamond();
select tests.given_user('bob');
select tests.given_run('active');
select tests.given_flow('[{"slug": "only"}]', 'small');
select tests.given_run('done', 'small');
select tests.given_done('{only}', 'done');
select tests.given_flow('[{"slug": "only"}]', 'inner', '{"access": "service"}');
select tests.given_run('inner', 'inner');
select tests.given_claim();
select tests.given_failed('only', false, 'inner');

select tests.given_signed_in('bob');
create temporary table refusals on commit drop as
  select tests.refusal_of($$ select public.retry_run(tests.id('run')) $$) as of_others;
select is(
  (select of_others ->> 'code' || ' ' || (of_others ->> 'detail') from refusals), 'PT404 TW003',
  'somebody else''s run is not found'
);
select is(
  (select of_others ->> 'message' from refusals),
  replace(
    tests.refusal_of($$ select public.retry_run(tests.id('none')) $$) ->> 'message',
    tests.id('none')::text, tests.id('run')::text
  ),
  'in the words for one that does not exist'
);
reset role;
select tests.given_signed_in('ada');
select is(
  tests.refusal_of($$ select public.retry_run(tests.id('active')) $$),
  jsonb_build_object('code', 'PT409', 'detail', 'TW005', 'message',
    format('run %s is still active', tests.id('active'))),
  'an active run is refused'
);
select is(
  tests.refusal_of($$ select public.retry_run(tests.id('done')) $$),
  jsonb_build_object('code', 'PT400', 'detail', 'TW001', 'message',
    format('run %s is completed and has no step left to redo', tests.id('done'))),
  'a completed run needs a step to begin at'
);
select is(
  tests.refusal_of($$ select public.retry_run(tests.id('inner')) $$) ->> 'detail', 'TW003',
  'a run of a flow that is not open to users is not found'
);
select is(
  tests.refusal_of($$ select public.retry_run(null) $$) ->> 'detail', 'TW003', 'nor is none'
);
select is(
  tests.refusal_of($$ select public.retry_run(tests.id('run'), null, '') $$) ->> 'detail', 'TW001',
  'an empty key is refused'
);
reset role;
select tests.given_signed_in(null);
select is(
  tests.refusal_of($$ select public.retry_run(tests.id('run')) $$) ->> 'code', '42501',
  'a visitor may not call it'
);
reset role;
select is(
  (tidewire.retry_run_for(tests.id('inner')) ->> 'created')::boolean, true,
  'trusted code may retry any run'
);

select * from finish();
rollback;
