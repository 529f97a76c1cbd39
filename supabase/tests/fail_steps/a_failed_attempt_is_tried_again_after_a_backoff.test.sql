begin;
select plan(5);

select tests.given_running();
select tests.given_clock('2030-01-01 12:00:00+00');
create temporary table failed on commit drop as select * from tests.given_failed();

select cmp_ok(
  (select (detail ->> 'available_in_ms')::int from failed where answer = 'retrying'),
  '<=',
  1000,
  'below the base'
);
select is(
  (select ceil(extract(epoch from available_at - tidewire.clock()) * 1000)::int from flow_steps),
  (select (detail ->> 'available_in_ms')::int from failed where answer = 'retrying'),
  'as the answer says'
);
select results_eq(
  $$ select status, attempt, error, lease_expires_at, worker_id from flow_steps $$,
  $$ values ('scheduled', 1, 'Traceback: secret', null::timestamptz, null::uuid) $$,
  'the step keeps the raw error'
);
select is(
  (select chunk_data from streaming_chunks order by chunk_index desc limit 1),
  '{"type": "data-progress", "id": "write",
    "data": {"step": "write", "status": "retrying", "attempt": 1,
    "message": "it broke"}}', 'the log says the safe one'
);
select is(
  (select detail ? 'message' or detail ? 'attempt' from failed where ordinal = 0),
  false,
  'the answer holds no more'
);

select * from finish();
rollback;
