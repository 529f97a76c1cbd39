begin;
select plan(5);

select tests.given_failed_diamond();
select tests.given_signed_in('ada');
create temporary table retried on commit drop as
  select public.retry_run(tests.id('run'), null, 'key') as answer;

select is(
  public.retry_run(tests.id('run'), null, 'key'),
  (select answer || '{"created": false}' from retried), 'the second call returns the first run'
);
select is(
  tests.refusal_of($$ select public.retry_run(tests.id('run'), 'left', 'key') $$) ->> 'detail',
  'TW004', 'the key for another step is a conflict'
);
select is(
  tests.refusal_of($$ select public.regenerate(tests.id('run'), null, 'key') $$) ->> 'detail',
  'TW004', 'and for another verb'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', '{"q": 1}', null, null, 'key') $$)
    ->> 'detail',
  'TW004', 'and for a start'
);
reset role;
select is((select count(*) from flow_runs), 2::bigint, 'no run was made twice');

select * from finish();
rollback;
