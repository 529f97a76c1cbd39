begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "max_attempts": 1}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop as
  select 1 as nth,
  (public.send_message('thread', tests.message('first'), 'answer') ->> 'run_id')::uuid as run_id;
insert into sent select 2,
  (public.send_message('thread', tests.message('second'), 'answer', 'queue') ->> 'run_id')::uuid;
insert into sent select 3,
  (public.send_message('thread', tests.message('third'), 'answer', 'queue') ->> 'run_id')::uuid;
insert into sent select 4,
  (public.send_message('thread', tests.message('fourth'), 'answer', 'queue') ->> 'run_id')::uuid;

select public.cancel_run(run_id) from sent where nth = 2;
select is(
  (select active_run_id from flow_threads),
  (select run_id from sent where nth = 1),
  'cancelling a held run moves nobody'
);
select public.cancel_run(run_id) from sent where nth = 1;
select is(
  (select active_run_id from flow_threads),
  (select run_id from sent where nth = 3),
  'after a cancelled run'
);
reset role;
select tests.given_claim();
select tidewire.fail_steps(
  tests.id('worker'),
  (select jsonb_build_array(jsonb_build_object('run_id', run_id, 'step_slug', 'write',
    'lease_token', 1)) from sent where nth = 3)
);
select is(
  (select active_run_id from flow_threads),
  (select run_id from sent where nth = 4),
  'after a failed run'
);
select results_eq(
  $$ select r.status, r.held from flow_runs r join sent using (run_id) order by nth $$,
  $$ values ('cancelled', false), ('cancelled', false), ('failed', false), ('queued', false) $$,
  'nobody is left behind'
);

select * from finish();
rollback;
