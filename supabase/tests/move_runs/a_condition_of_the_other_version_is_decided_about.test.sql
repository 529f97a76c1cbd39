begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}, {"slug": "check", "deps": ["write"]}]');
select tests.given_run(p_input => '{"write": false}');
select tests.given_flow(
  '[{"slug": "write", "when": "$.input.write", "otherwise": "skip_dependents"},
    {"slug": "check", "deps": ["write"]}]'
);
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));
select results_eq(
  'select step_slug, status from flow_steps order by 1',
  $$ values ('check', 'skipped'), ('write', 'skipped') $$,
  'a ready step is skipped with its dependents'
);
select results_eq(
  'select status, remaining_steps from flow_runs', $$ values ('completed', 0) $$, 'the run completes'
);
select is(
  (tests.log_of())[4], 'finish', 'and its log ends'
);

select * from finish();
rollback;
