begin;
select plan(2);

select tests.given_running('[{"slug": "write", "stream": true}]');
select tests.given_chunks('[{"type": "text-start", "id": "write.0"}]');
select tests.given_failed();
update flow_steps set status = 'queued';
select tests.given_flow('[{"slug": "draw"}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select is(
  (tests.log_of())[5:], array['text-end write.0', 'data-progress write skipped'],
  'the log says what became of it'
);
select results_eq(
  'select step_slug, status from flow_steps', $$ values ('draw', 'queued') $$,
  'the step of the other version is ready'
);

select * from finish();
rollback;
