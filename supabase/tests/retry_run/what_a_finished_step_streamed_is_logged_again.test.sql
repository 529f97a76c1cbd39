begin;
select plan(3);

select tests.given_running(
  '[{"slug": "write", "stream": true}, {"slug": "rate", "deps": ["write"], "max_attempts": 1}]'
);
select tests.given_chunks(
  '[{"type": "text-start", "id": "write.1"}, {"type": "text-delta", "id": "write.1", "delta": "Salt."}]'
);
select tests.given_completed();
select tests.given_claim();
select tests.given_failed('rate');
create temporary table retried on commit drop as
  select (tidewire.retry_run_for(tests.id('run')) ->> 'run_id')::uuid as run_id;

select is(
  (select tests.log_of(run_id) from retried),
  array['start', 'text-start write.1', 'text-delta write.1', 'text-end write.1',
    'data-progress write completed'], 'before the step that is taken over'
);
select is(
  (select chunk_data ->> 'delta' from streaming_chunks join retried using (run_id)
    where chunk_data ? 'delta'),
  'Salt.',
  'with its text'
);
select is(
  (select message -> 'text' from retried,
    jsonb_array_elements(tidewire.message_parts(run_id)) message where message ->> 'type' = 'text'),
  '"Salt."',
  'so that the new answer has it'
);

select * from finish();
rollback;
