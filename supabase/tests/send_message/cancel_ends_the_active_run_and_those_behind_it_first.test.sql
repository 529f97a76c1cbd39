begin;
select plan(5);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop as
  select 1 as nth,
  (public.send_message('thread', tests.message('first'), 'answer') ->> 'run_id')::uuid as run_id;
insert into sent select 2,
  (public.send_message('thread', tests.message('second'), 'answer', 'queue') ->> 'run_id')::uuid;
insert into sent select 3,
  (public.send_message('thread', tests.message('third'), 'answer', 'cancel') ->> 'run_id')::uuid;

select results_eq(
  $$ select r.status, r.held from flow_runs r join sent using (run_id) order by nth $$,
  $$ values ('cancelled', false), ('cancelled', false), ('queued', false) $$,
  'the new message has the thread'
);
select is(
  (select active_run_id from flow_threads),
  (select run_id from sent where nth = 3),
  'it is the active run'
);
select results_eq(
  $$ select m.status from flow_messages m where role = 'assistant' order by position $$,
  $$ values ('incomplete'), ('incomplete'), ('streaming') $$,
  'the ended answers are folded as incomplete'
);
reset role;
select is(
  (select tests.log_of(run_id) from sent where nth = 2), '{start,abort}',
  'a run that never began ends with abort too'
);
select is(
  (select s.ready_at from flow_steps s join sent using (run_id) where nth = 2), null,
  'and it never had its turn in between'
);

select * from finish();
rollback;
