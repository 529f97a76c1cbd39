begin;
select plan(4);

select tests.given_running();
select tests.given_chunks('[{"type": "text-start", "id": "w.1"}]');
select tidewire.extend_leases(tests.id('worker'), '30 hours', tests.given_lease());
update flow_steps set attempt_deadline_at = now() + interval '40 hours',
  lease_expires_at = now() + interval '40 hours';
select tests.given_clock(statement_timestamp() + interval '25 hours');
update tidewire.workers set last_seen_at = tidewire.clock();

select is((select tidewire.maintain() -> 'overdue'), '1', 'one run');
select results_eq(
  $$ select status, error from flow_runs $$,
  $$ values ('failed', 'the run took longer than its deadline allows') $$, 'whatever its lease says'
);
select is((tests.log_of())[4:], array['text-end w.1', 'error'], 'its log ends');
select is(
  (select array_agg(answer) from tests.given_completed()),
  '{cancelled}',
  'its worker is told'
);

select * from finish();
rollback;
