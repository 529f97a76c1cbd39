begin;
select plan(2);

select tests.given_running();
select tests.given_clock(statement_timestamp() + interval '5 minutes');

select is(
  (select answer from tests.given_chunks('[{"type": "text-start", "id": "write.1"}]')),
  'appended',
  'it is still the only holder'
);
select cmp_ok(
  (select lease_expires_at from flow_steps),
  '>',
  tidewire.clock(),
  'and has its lease again'
);

select * from finish();
rollback;
