begin;
select plan(3);

select tests.given_running();
select tests.given_clock('2030-01-01 12:00:00+00');
update flow_steps set attempt_deadline_at = '2030-01-01 12:00:20+00',
  lease_expires_at = '2030-01-01 12:00:01+00';
select tests.given_chunks('[{"type": "text-start", "id": "write.1"}]');
select is(
  (select lease_expires_at from flow_steps),
  '2030-01-01 12:00:15+00',
  'by one lease from now'
);
select tests.given_clock('2030-01-01 12:00:30+00');
select tests.given_chunks('[{"type": "text-delta", "id": "write.1", "delta": "x"}]');
select is(
  (select lease_expires_at from flow_steps),
  '2030-01-01 12:00:35+00',
  'one lease after the deadline at most'
);
update flow_steps set lease_expires_at = '2030-01-01 12:05:00+00';
select tests.given_chunks('[{"type": "text-delta", "id": "write.1", "delta": "x"}]');
select is(
  (select lease_expires_at from flow_steps),
  '2030-01-01 12:05:00+00',
  'a longer one stays'
);

select * from finish();
rollback;
