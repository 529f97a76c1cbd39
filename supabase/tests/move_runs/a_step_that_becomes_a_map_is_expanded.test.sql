begin;
select plan(2);

select tests.given_running(
  '[{"slug": "search"}, {"slug": "score", "deps": ["search"]}]'
);
select tests.given_completed('search', '[1, 2]');
select tests.given_flow(
  '[{"slug": "search"}, {"slug": "score", "deps": ["search"], "over": "search"}]'
);
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select results_eq(
  $$ select item_index, status, item_input from flow_steps
    where step_slug = 'score' order by 1 $$,
  $$ values (-1, 'waiting', null::jsonb), (0, 'queued', '1'), (1, 'queued', '2') $$,
  'its items are ready'
);
select is((select remaining_steps from flow_runs), 1, 'the map counts once');

select * from finish();
rollback;
