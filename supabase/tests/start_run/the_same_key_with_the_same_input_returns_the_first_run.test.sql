begin;
select plan(5);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_flow('[{"slug": "write"}]', 'other');
select tests.given_signed_in('ada');

select is(
  (public.start_run('answer', '{"q": 1}', tests.id('run'), null, 'key') ->> 'created')::boolean,
  true, 'the first start makes a run'
);
select is(
  public.start_run('answer', '{"q": 1}', null, null, 'key') - 'message_id',
  jsonb_build_object('run_id', tests.id('run'), 'status', 'queued', 'created', false),
  'the second returns it'
);
select is(
  (public.start_run('answer', '{"q": 1}', tests.id('run')) ->> 'created')::boolean,
  false, 'so does the same run id without a key'
);
select is(
  (public.start_run('other', '{"q": 1}', null, null, 'key') ->> 'created')::boolean,
  true, 'a key belongs to one flow'
);
reset role;
select is((select count(*) from flow_runs), 2::bigint, 'no run was made twice');

select * from finish();
rollback;
