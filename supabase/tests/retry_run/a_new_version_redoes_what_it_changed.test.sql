begin;
select plan(3);

select tests.given_failed_diamond();
select tests.given_flow('[
  {"slug": "plan"}, {"slug": "extra"}, {"slug": "left", "deps": ["plan", "extra"]},
  {"slug": "right", "deps": ["plan"]}
]');
create temporary table retried on commit drop as
  select (tidewire.retry_run_for(tests.id('run')) ->> 'run_id')::uuid as run_id;

select is(
  tests.steps_of((select run_id from retried)),
  '{"plan": "completed run", "extra": "queued", "left": "waiting", "right": "queued"}',
  'a new step and one with other dependencies are done, the same ones taken over'
);
select is(
  (select flow_version from flow_runs join retried using (run_id)),
  (select current_version from tidewire.flows), 'the run is of the current version'
);
select is(
  tests.log_of((select run_id from retried)), '{start,data-progress plan completed}',
  'and shows what that version publishes'
);

select * from finish();
rollback;
