begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "a", "over": "input"}, {"slug": "b", "over": "input"}]');
select tests.given_run(p_input => '{}');
select is((select status from flow_runs), 'failed', 'the run fails');
select is((select count(*) from streaming_chunks where chunk_data ->> 'type' = 'error'), 1::bigint, 'one end');
select is(
  (select array_agg(chunk_index order by chunk_index) from streaming_chunks),
  (select array_agg(i order by i) from flow_runs, generate_series(0, next_index - 1) i), 'indexes are dense'
);

select * from finish();
rollback;
