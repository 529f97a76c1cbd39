begin;
select plan(4);

select tests.given_running();

select is(
  tests.refusal_of($$
    insert into streaming_chunks (run_id, chunk_index, first_index, chunk_data)
    values (tests.id('run'), 0, 0, '{"type": "start"}')
  $$) ->> 'code',
  '23505', 'one row an index'
);
select is(
  tests.refusal_of($$
    insert into streaming_chunks (run_id, chunk_index, first_index, chunk_data)
    values (tests.id('run'), 9, 9, '{"id": "x"}')
  $$) ->> 'message',
  'new row for relation "streaming_chunks" violates check constraint "chunk_has_a_type"',
  'each has a type'
);
select is(
  tests.refusal_of($$
    insert into streaming_chunks (run_id, chunk_index, first_index, chunk_data)
    values (tests.id('run'), 9, 8, '{"type": "text-delta"}')
  $$) ->> 'message',
  'new row for relation "streaming_chunks" violates check constraint "only_merged_deltas_span_indexes"',
  'only merged deltas span indexes'
);
select is(
  tests.refusal_of($$
    insert into streaming_chunks (run_id, chunk_index, first_index, delta_ends, chunk_data)
    values (tests.id('run'), 9, 8, '{1}', '{"type": "text-delta"}')
  $$) ->> 'message',
  'new row for relation "streaming_chunks" violates check constraint "merged_deltas_know_their_ends"',
  'and know where each ends'
);

select * from finish();
rollback;
