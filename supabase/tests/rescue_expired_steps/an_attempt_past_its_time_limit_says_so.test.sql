begin;
select plan(2);

select tests.given_running('[{"slug": "write", "timeout_ms": 1000}]');
select tests.given_clock(statement_timestamp() + interval '1 minute');
select tidewire.rescue_expired_steps(10);

select is(
  (select chunk_data -> 'data' ->> 'message' from streaming_chunks order by chunk_index desc
    limit 1), 'step write ran past its time limit', 'the log says why'
);
select matches(
  (select error from flow_steps),
  '^lease of worker .* expired at ',
  'the step says which worker'
);

select * from finish();
rollback;
