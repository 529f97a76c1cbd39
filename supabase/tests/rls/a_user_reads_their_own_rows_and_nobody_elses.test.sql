begin;
select plan(3);

select tests.given_user('ada');
select tests.given_user('eve');
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.send_message('thread', tests.message(), 'answer');
create temporary table seen on commit drop as
  select (select count(*) from flow_runs) as runs, (select count(*) from streaming_chunks)
    as chunks, (select count(*) from flow_threads) as threads,
    (select count(*) from flow_messages) as messages, (select count(step_slug) from flow_steps)
      as steps;
select results_eq(
  $$ select * from seen $$,
  $$ values (1::bigint, 1::bigint, 1::bigint, 2::bigint, 1::bigint) $$,
  'the owner'
);
select tests.given_signed_in('eve');
select is((select count(*) from flow_runs) + (select count(*)
  from streaming_chunks) + (select count(*) from flow_threads)
  + (select count(*) from flow_messages) + (select count(step_slug) from flow_steps), 0::bigint,
  'another user');
select tests.given_signed_in('nobody');
select is((select count(*) from flow_runs), 0::bigint, 'a token of a user who is gone');

select * from finish();
rollback;
