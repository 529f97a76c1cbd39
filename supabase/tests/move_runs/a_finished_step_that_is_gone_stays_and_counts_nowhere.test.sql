begin;
select plan(2);

select tests.given_running('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');
select tests.given_completed('search', '"found"');
select tests.given_flow('[{"slug": "write"}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select results_eq(
  $$ select step_slug, status from flow_steps order by 1 $$,
  $$ values ('search', 'completed'), ('write', 'queued') $$,
  'its row is there, and what waited for it is ready'
);
select is((select remaining_steps from flow_runs), 1, 'one step remains');

select * from finish();
rollback;
