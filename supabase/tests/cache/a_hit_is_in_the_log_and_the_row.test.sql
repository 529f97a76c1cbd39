begin;
select plan(4);

select tests.given_running('[{"slug": "write", "cache": {"fresh_ms": 60000, "scope": "owner"}, "publish": true}]');
select tests.given_completed();
select tests.given_run('again');
select is((select (status, reused)::text from flow_steps where run_id = tests.id('again')), '(completed,cache)', 'in the row');
select is((select chunk_data -> 'data' ->> 'reused' from streaming_chunks where run_id = tests.id('again') and chunk_index = 1), 'cache', 'in the log');
select is((select output from flow_runs where run_id = tests.id('again')), '"done"', 'with the output');
select is((tests.log_of('again'))[3], 'data-write write', 'which is published');

select * from finish();
rollback;
