begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[]');
select is((select output from flow_runs), '[]', 'an empty list');
select is((select status from flow_runs), 'completed', 'without a worker');
select is((select count(*) from streaming_chunks where chunk_type = 'control'), 2::bigint, 'start and finish');

select * from finish();
rollback;
