begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.send_message('thread', tests.message('one'), 'answer', 'queue');
select public.send_message('thread', tests.message('two'), 'answer', 'queue');
reset role;
select tests.given_flow('[{"slug": "think"}, {"slug": "write", "deps": ["think"]}]');
select is(
  (
    select count(*)
    from tidewire.move_runs('answer', null, (select flow_version from flow_runs limit 1))
    where answer = 'moved'
  ),
  2::bigint, 'both are moved'
);
select results_eq(
  $$ select r.held, s.step_slug, s.status from flow_runs r join flow_steps s using (run_id)
    order by 1, 2 $$,
  $$ values (false, 'think', 'queued'), (false, 'write', 'waiting'),
    (true, 'think', 'waiting'), (true, 'write', 'waiting') $$,
  'nothing of the held one is ready'
);
select tests.given_signed_in('ada');
select public.cancel_run((select run_id from flow_runs where not held));
reset role;
select is(
  (select s.status from flow_runs r join flow_steps s using (run_id)
    where r.status = 'queued' and step_slug = 'think'),
  'queued', 'until its turn has come'
);

select * from finish();
rollback;
