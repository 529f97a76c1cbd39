begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop as
  select 1 as nth,
  (public.send_message('thread', tests.message('first'), 'answer') ->> 'run_id')::uuid as run_id;
insert into sent select 2,
  (public.send_message('thread', tests.message('second'), 'answer', 'queue') ->> 'run_id')::uuid;
reset role;
-- As when the end of the first and the start of the second could not see each other.
update flow_runs set status = 'cancelled', finished_at = now()
  where run_id = (select run_id from sent where nth = 1);
update flow_steps set status = 'cancelled', finished_at = now()
where run_id = (select run_id from sent where nth = 1);
select tests.given_signed_in('ada');
insert into sent select 3,
  (public.send_message('thread', tests.message('third'), 'answer', 'queue') ->> 'run_id')::uuid;
reset role;

select is(
  (select array_agg(nth order by nth) from tests.given_claim() c join sent using (run_id)
    where c.answer = 'claimed'),
  '{2}', 'the second runs before the third'
);
select results_eq(
  $$ select r.held from flow_runs r join sent using (run_id) order by nth $$,
  $$ values (false), (false), (true) $$,
  'which waits'
);

select * from finish();
rollback;
