begin;
select plan(5);

select tests.given_running();
select is(
  (select count(*) from tidewire.rescue_expired_steps(10)),
  0::bigint,
  'a live one is left alone'
);
select tests.given_clock(statement_timestamp() + interval '16 s');
select results_eq(
  $$ select ordinal, answer, step_slug from tidewire.rescue_expired_steps(10) $$,
  $$ values (null::int, 'retrying', 'write'), (null, 'logged', null) $$, 'retrying'
);
select results_eq(
  $$ select status, attempt, worker_id from flow_steps $$,
  $$ values ('queued', 1, null::uuid) $$,
  'ready without a backoff'
);
select is(
  (select chunk_data -> 'data' ->> 'message' from streaming_chunks order by chunk_index desc
    limit 1), 'step write lost its worker', 'the log says why'
);
select is(
  (select count(*) from tidewire.rescue_expired_steps(10)),
  0::bigint,
  'a second rescue finds nothing'
);

select * from finish();
rollback;
