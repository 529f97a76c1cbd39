begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "plan"},
  {"slug": "maybe", "deps": ["plan"], "when": "$.input.yes"},
  {"slug": "never", "deps": ["plan"], "when": "$.input.yes", "otherwise": "skip_dependents"},
  {"slug": "after", "deps": ["never"]},
  {"slug": "join", "deps": ["plan", "maybe"]}
]');
select tests.given_run();
select tests.given_done('{plan}');
select tests.given_failed('join', false);
create temporary table retried on commit drop as
  select (tidewire.retry_run_for(tests.id('run')) ->> 'run_id')::uuid as run_id;

select is(
  tests.steps_of((select run_id from retried)),
  '{"plan": "completed run", "maybe": "skipped run", "never": "skipped run",
    "after": "skipped run", "join": "queued"}',
  'skipped steps are taken over'
);
select is(
  (select remaining_steps from flow_runs join retried using (run_id)), 1, 'and are done'
);
create temporary table named on commit drop as
  select (tidewire.retry_run_for(tests.id('run'), 'after') ->> 'run_id')::uuid as run_id;
select is(
  tests.steps_of((select run_id from named)) -> 'after',
  '"skipped"', 'what a skipped step took along is skipped again'
);

select * from finish();
rollback;
