begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "a", "when": "$.input.go", "otherwise": "fail"}, {"slug": "b", "when": "$.input.go", "otherwise": "fail"}]');
select tests.given_run();
select is((select status from flow_runs), 'failed', 'the run fails');
select is((select count(*) from streaming_chunks where chunk_data ->> 'type' = 'error'), 1::bigint, 'one end');
select is((select next_index from flow_runs), (select max(chunk_index) + 1 from streaming_chunks), 'which is the last entry');

select * from finish();
rollback;
