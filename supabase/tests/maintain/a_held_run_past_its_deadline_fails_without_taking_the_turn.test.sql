begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.send_message('thread', tests.message('first'), 'answer');
select public.send_message('thread', tests.message('second'), 'answer', 'queue');
reset role;
update flow_runs set deadline_at = now() - interval '1 s' where held;
select tidewire.maintain();

select results_eq(
  $$ select status, held from flow_runs order by deadline_at $$,
  $$ values ('failed', false), ('queued', false) $$,
  'only the held one'
);
select is(
  (select r.status from flow_threads t join flow_runs r on r.run_id = t.active_run_id),
  'queued',
  'the active one keeps the thread'
);

select * from finish();
rollback;
