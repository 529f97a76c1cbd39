begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow(
  '[{"slug": "search", "when": "$.input.search", "otherwise": "skip_dependents"},
    {"slug": "look", "when": "$.input.look", "otherwise": "skip"}, {"slug": "write"}]'
);
select tests.given_run();
select tests.given_flow(
  '[{"slug": "search", "when": "$.input.search", "otherwise": "skip_dependents"},
    {"slug": "look", "when": "$.input.look", "otherwise": "skip"},
    {"slug": "rank", "deps": ["search"]}, {"slug": "show", "deps": ["rank"]},
    {"slug": "write", "deps": ["look"]}]'
);
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select results_eq(
  'select step_slug, status from flow_steps order by 1',
  $$ values ('look', 'skipped'), ('rank', 'skipped'), ('search', 'skipped'), ('show', 'skipped'),
    ('write', 'queued') $$,
  'by the definition it was skipped under'
);
select is((select remaining_steps from flow_runs), 1, 'one step remains');

select * from finish();
rollback;
