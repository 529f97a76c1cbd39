begin;
select plan(3);

select tests.given_running('[{"slug": "search", "publish": true}]');
select tests.given_completed('search', to_jsonb(repeat('x', 300000)));

select is(
  (select (chunk_data -> 'data') - 'summary' from streaming_chunks
    where chunk_data ->> 'type' = 'data-search'), '{"truncated": true, "bytes": 300002}',
    'it says that it is cut'
);
select is(
  (select length(chunk_data -> 'data' ->> 'summary') from streaming_chunks
    where chunk_data ->> 'type' = 'data-search'), 1000, 'and how it begins'
);
select is((select length(output #>> '{}') from flow_runs), 300000, 'the run''s output is whole');

select * from finish();
rollback;
