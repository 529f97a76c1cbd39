begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "score", "over": "input"}]');
select tests.given_run(p_input => '[1, 2, 3]');
select tests.given_claim(1);
select tidewire.complete_steps(
  tests.id('worker'),
  (
    select jsonb_agg(jsonb_build_object(
      'run_id', run_id, 'step_slug', step_slug, 'item_index', item_index,
      'lease_token', lease_token, 'output', 10))
    from flow_steps where status = 'running'
  ),
  '15 s', '{}', '{}', 0
);
select tests.given_flow('[{"slug": "score", "over": "input", "queue": "slow", "max_attempts": 9}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select results_eq(
  $$ select status, queue, max_attempts, count(*) from flow_steps
    where item_index >= 0 group by 1, 2, 3 order by 1 $$,
  $$ values ('completed', 'default', 3, 1::bigint), ('queued', 'slow', 9, 2) $$,
  'open items are laid anew, the finished one stays'
);
select results_eq(
  'select status, total_items, remaining_items, queue from flow_steps where item_index = -1',
  $$ values ('waiting', 3, 2, 'slow') $$,
  'the map goes on counting'
);
select tests.given_claim(p_queues => '{slow}');
select tidewire.complete_steps(
  tests.id('worker'),
  (
    select jsonb_agg(jsonb_build_object(
      'run_id', run_id, 'step_slug', step_slug, 'item_index', item_index,
      'lease_token', lease_token, 'output', 20))
    from flow_steps where status = 'running'
  ),
  '15 s', '{}', '{}', 0
);
select is((select status from flow_runs), 'completed', 'it completes');
select is((select output from flow_runs), '[10, 20, 20]', 'with the outputs of both versions');

select * from finish();
rollback;
