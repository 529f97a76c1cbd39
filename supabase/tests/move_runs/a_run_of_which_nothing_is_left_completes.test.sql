begin;
select plan(3);

select tests.given_running('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');
select tests.given_completed('search', '"found"');
select tests.given_flow('[{"slug": "search"}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select results_eq(
  $$ select status, output, remaining_steps from flow_runs $$,
  $$ values ('completed', '"found"'::jsonb, 0) $$,
  'the run is completed with the output of the leaf'
);
select is((select count(*) from flow_steps), 1::bigint, 'the step that is gone is deleted');
select is((tests.log_of())[4], 'finish', 'the log has ended');

select * from finish();
rollback;
