begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow(
  '[{"slug": "a", "when": "$.input.go", "otherwise": "fail"}, {"slug": "b", "over": "input"}]'
);
select tests.given_run();
select is((select count(*) from streaming_chunks where chunk_data ->> 'type' = 'error'), 1::bigint, 'one end');
select is(
  (select error from flow_runs),
  (select chunk_data ->> 'errorText' from streaming_chunks where chunk_data ->> 'type' = 'error'),
  'with one reason'
);

select * from finish();
rollback;
