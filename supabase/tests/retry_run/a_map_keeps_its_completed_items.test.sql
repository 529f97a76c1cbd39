begin;
select plan(6);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "plan"}, {"slug": "visit", "deps": ["plan"], "over": "plan"},
  {"slug": "sum", "deps": ["visit"]}
]');
select tests.given_run();
select tests.given_claim();
select tests.given_completed('plan', '["a", "b", "c"]');
select tests.given_claim();
-- What an item is completed or failed by.
create function pg_temp.item (p_run uuid, p_index integer, p_more jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_array(jsonb_build_object(
    'run_id', s.run_id, 'step_slug', 'visit', 'item_index', p_index, 'lease_token', s.lease_token
  ) || p_more)
  from public.flow_steps s
  where s.run_id = p_run and s.step_slug = 'visit' and s.item_index = p_index
$$;
select tidewire.complete_steps(
  tests.id('worker'), pg_temp.item(tests.id('run'), 0, '{"output": "A"}'), '15 s', '{}', '{}', 0
);
select tidewire.complete_steps(
  tests.id('worker'), pg_temp.item(tests.id('run'), 2, '{"output": "C"}'), '15 s', '{}', '{}', 0
);
select tidewire.fail_steps(
  tests.id('worker'),
  pg_temp.item(tests.id('run'), 1, '{"error": "e", "message": "m", "retryable": false}')
);
create temporary table retried on commit drop as
  select (tidewire.retry_run_for(tests.id('run')) ->> 'run_id')::uuid as run_id;

select is((select status from flow_runs where run_id = tests.id('run')), 'failed', 'it failed');
select results_eq(
  $$ select item_index, status, reused from flow_steps join retried using (run_id)
    where step_slug = 'visit' order by item_index $$,
  $$ values (-1, 'waiting', null), (0, 'completed', 'run'), (1, 'queued', null),
    (2, 'completed', 'run') $$,
  'only the item that failed is redone'
);
select is(
  (
    select jsonb_agg(c.chunk_data -> 'data' -> 'counts' ->> 'completed' order by c.chunk_index)
    from streaming_chunks c join retried using (run_id)
    where c.chunk_data ->> 'id' = 'visit'
  ),
  '["0", "2"]', 'and the log says so'
);
select tests.given_claim();
select tidewire.complete_steps(
  tests.id('worker'),
  pg_temp.item((select run_id from retried), 1, '{"output": "B"}'), '15 s', '{}', '{}', 0
);
select is(
  (
    select output from flow_steps join retried using (run_id)
    where step_slug = 'visit' and item_index = -1
  ),
  '["A", "B", "C"]', 'the list is whole'
);
select is(
  (select status from flow_steps join retried using (run_id) where step_slug = 'sum'),
  'queued', 'and the run goes on'
);
create temporary table named on commit drop as
  select (tidewire.retry_run_for(tests.id('run'), 'visit') ->> 'run_id')::uuid as run_id;
select is(
  (
    select count(*) from flow_steps join named using (run_id)
    where status = 'queued' and item_index >= 0
  ),
  3::bigint, 'a map that is named is redone whole'
);

select * from finish();
rollback;
