begin;
select plan(3);

select tests.given_running('[{"slug": "a", "max_attempts": 1}, {"slug": "b", "max_attempts": 1}]');
select tidewire.fail_steps(
  tests.id('worker'),
  tests.given_lease('a', '{"error": "x", "message": "first"}')
    || tests.given_lease('b', '{"error": "x", "message": "second"}')
);
select is((select error from flow_runs), 'first', 'the row has the first reason');
select is(
  (select chunk_data ->> 'errorText' from streaming_chunks where chunk_data ->> 'type' = 'error'),
  'first', 'and so has the log'
);
select is((select next_index from flow_runs), (select max(chunk_index) + 1 from streaming_chunks), 'which is dense');

select * from finish();
rollback;
