begin;
select plan(4);

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
  (public.send_message('thread', tests.message('third'), 'answer', 'queue') ->> 'run_id')::uuid;

select is(
  (select public.read_log(run_id) -> 'waiting_for' from sent where nth = 2),
  '["thread"]', 'it says that it waits for its turn'
);
reset role;
select results_eq(
  $$ select run_id from tests.given_claim() where answer = 'claimed' $$,
  $$ select run_id from sent where nth = 1 $$, 'only the first can be claimed'
);
select tidewire.complete_steps(
  tests.id('worker'),
  (
    select jsonb_build_array(jsonb_build_object(
      'run_id', run_id, 'step_slug', 'write', 'lease_token', 1, 'output', 1))
    from sent where nth = 1
  ), '15 s', '{}', '{}', 0
);
select results_eq(
  $$ select run_id from tests.given_claim() where answer = 'claimed' $$,
  $$ select run_id from sent where nth = 2 $$, 'then the one that waited longest takes its turn'
);
select is(
  (select active_run_id from flow_threads), (select run_id from sent where nth = 2),
  'and is the active run of the thread'
);

select * from finish();
rollback;
