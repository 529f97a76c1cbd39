begin;
select plan(4);

select tests.given_running();
select tests.given_clock('2030-01-01 12:00:00+00');
update flow_steps set attempt_deadline_at = '2030-01-01 13:00:00+00',
  lease_expires_at = '2030-01-01 12:00:01+00';

select results_eq(
  $$ select ordinal, answer, run_id, step_slug
    from tidewire.extend_leases(tests.id('worker'), '15 s', tests.given_lease()) $$,
  $$ values (0, 'extended', tests.id('run'), 'write') $$, 'extended'
);
select is(
  (select lease_expires_at from flow_steps),
  '2030-01-01 12:00:15+00',
  'by one lease from now'
);
select is(
  (select last_seen_at from tidewire.workers),
  '2030-01-01 12:00:00+00',
  'the worker was seen'
);
select is(
  (select count(*) from tidewire.extend_leases(tests.id('worker'), '15 s', '[]')),
  0::bigint,
  'without leases it only says alive'
);

select * from finish();
rollback;
