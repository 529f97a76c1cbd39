begin;
select plan(4);

select tests.given_running();

select results_eq(
  $$ select ordinal, answer, run_id, step_slug, detail
    from tests.given_chunks('[{"type": "text-start", "id": "write.1"},
      {"type": "text-delta", "id": "write.1", "delta": "Hi"}]') $$,
  $$ values (0, 'appended', tests.id('run'), 'write', '{"first_index": 2}'::jsonb) $$,
  'after start and started'
);
select results_eq(
  $$ select last_sequence, last_index, open_parts from flow_steps $$,
  $$ values (2::bigint, 3::bigint, '[{"type": "text", "id": "write.1"}]'::jsonb) $$,
  'the step knows'
);
select results_eq(
  $$ select chunk_index, first_index, step_slug, attempt, chunk_type from streaming_chunks
    where chunk_index > 1 order by 1 $$,
  $$ values (2::bigint, 2::bigint, 'write', 1, 'text'), (3, 3, 'write', 1, 'text') $$, 'the rows'
);
select is((select next_index from flow_runs), 4::bigint, 'the run''s head moved');

select * from finish();
rollback;
