begin;
select plan(4);

select tests.given_running('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');
select tests.given_completed('search');
select tests.given_claim();
select tests.given_completed('write', '{"text": "salt"}');

select results_eq(
  $$ select status, output, remaining_steps, finished_at is not null from flow_runs $$,
  $$ values ('completed', '{"text": "salt"}'::jsonb, 0, true) $$,
  'the run has its only leaf''s output'
);
select is((tests.log_of())[5:], array['data-progress write completed', 'finish'], 'finish is last');
select is(
  (select chunk_data from streaming_chunks order by chunk_index desc limit 1),
  '{"type": "finish", "finishReason": "stop"}', 'as the AI SDK has it'
);
select is(
  (select count(*) from streaming_chunks
    where chunk_data ->> 'type' in ('finish', 'error', 'abort')),
  1::bigint,
  'once'
);

select * from finish();
rollback;
