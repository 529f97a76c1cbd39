begin;
select plan(4);

select tests.given_user('ada');
select tests.given_user('eve');
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.send_message('thread', tests.message(), 'answer');
select tests.given_signed_in('eve');
select public.send_message('thread', tests.message(), 'answer');
reset role;
delete from auth.users where id = tests.id('ada');

select results_eq(
  $$ select user_id from flow_runs $$, $$ values (tests.id('eve')) $$, 'runs'
);
select results_eq(
  $$ select distinct user_id from flow_messages $$, $$ values (tests.id('eve')) $$, 'messages'
);
select results_eq(
  $$ select user_id from flow_threads $$, $$ values (tests.id('eve')) $$, 'threads'
);
select is(
  (select count(*) from flow_steps) + (select count(*) from streaming_chunks), 2::bigint,
  'steps and logs'
);

select * from finish();
rollback;
