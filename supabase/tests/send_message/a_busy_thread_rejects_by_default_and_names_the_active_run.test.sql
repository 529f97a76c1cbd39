begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.send_message('thread', tests.message('first'), 'answer');

select is(
  tests.refusal_of($$ select public.send_message('thread', tests.message('second'), 'answer') $$),
  jsonb_build_object(
    'code', 'PT409', 'detail', 'TW005',
    'message', format('thread thread has the active run %s', (select run_id from flow_runs))
  ),
  'refused'
);
select is((select count(*) from flow_messages), 2::bigint, 'the message was not stored');
select is(
  (public.send_message('other', tests.message('second'), 'answer') ->> 'created')::boolean,
  true, 'another thread is free'
);

select * from finish();
rollback;
