begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop
  as select (public.send_message('thread', tests.message('first'), 'answer') ->> 'run_id')::uuid
  as first, null::uuid as second;
update sent set second = (public.send_message('thread', tests.message('second'), 'answer',
  'queue') ->> 'run_id')::uuid;
reset role;
-- As when the end of the first and the start of the second could not see each other.
update flow_runs set status = 'cancelled', finished_at = now()
  where run_id = (select first from sent);

select is((select tidewire.maintain() -> 'turns'), '1', 'one turn');
select is(
  (select active_run_id from flow_threads),
  (select second from sent),
  'the second is active'
);
select is(
  (select count(*) from tests.given_claim() where answer = 'claimed'
    and run_id = (select second from sent)),
  1::bigint,
  'and can be claimed'
);

select * from finish();
rollback;
