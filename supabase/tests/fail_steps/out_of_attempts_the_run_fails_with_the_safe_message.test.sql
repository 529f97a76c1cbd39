begin;
select plan(5);

select tests.given_running(
  '[{"slug": "write", "max_attempts": 1}, {"slug": "draw"}, {"slug": "show", "deps": ["write"]}]'
);
select tests.given_chunks('[{"type": "text-start", "id": "w.1"}]');
select tests.given_chunks(
  '[{"type": "tool-input-start", "toolCallId": "c", "toolName": "t"}]',
  'draw'
);

select is(
  (select array_agg(answer) from tests.given_failed()),
  '{failed,logged}',
  'the answer'
);
select results_eq(
  $$ select status, error, output from flow_runs $$,
  $$ values ('failed', 'it broke', null::jsonb) $$, 'the run''s error is safe to show'
);
select results_eq(
  $$ select step_slug, status, error from flow_steps order by 1 $$,
  $$ values ('draw', 'cancelled', null), ('show', 'cancelled', null),
    ('write', 'failed', 'Traceback: secret') $$, 'the other steps are cancelled'
);
select is(
  (tests.log_of())[6:],
  array['data-progress write failed', 'tool-output-error c', 'text-end w.1', 'error'],
  'open parts of all steps are closed'
);
select is(
  (select chunk_data from streaming_chunks order by chunk_index desc limit 1),
  '{"type": "error", "errorText": "it broke"}', 'error is last'
);

select * from finish();
rollback;
