begin;
select plan(3);

select tests.given_running();
select tests.given_clock('2030-01-01 12:00:00+00');
update flow_steps set attempt_deadline_at = '2030-01-01 12:00:05+00',
  lease_expires_at = '2030-01-01 12:00:10+00';
select tidewire.extend_leases(tests.id('worker'), '15 s', tests.given_lease());
select is(
  (select lease_expires_at from flow_steps),
  '2030-01-01 12:00:15+00',
  'a lease from now while that is sooner'
);
select tests.given_clock('2030-01-01 12:00:12+00');
select tidewire.extend_leases(tests.id('worker'), '15 s', tests.given_lease());
select is(
  (select lease_expires_at from flow_steps),
  '2030-01-01 12:00:20+00',
  'one lease after the deadline at most'
);
select tests.given_clock('2030-01-01 12:00:21+00');
select isnt(
  (select answer from tidewire.extend_leases(tests.id('worker'), '15 s', tests.given_lease())),
  'extended', 'then none'
);

select * from finish();
rollback;
