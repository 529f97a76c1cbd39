begin;
select plan(5);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "tolerance": 0.29, "max_attempts": 1}]');
select tests.given_run(p_input => (select jsonb_agg(i) from generate_series(1, 100) i));
select count(*) from tests.given_claim(100);
create temporary table failure on commit drop as
  select i, tests.given_lease('each', jsonb_build_object(
    'item_index', i, 'lease_token', 1, 'error', 'x', 'message', 'it broke')) -> 0 as item
  from generate_series(0, 29) i;
select tidewire.fail_steps(tests.id('worker'), (select jsonb_agg(item) from failure where i < 29));
select is((select status from flow_runs), 'running', '29 of 100 are tolerated');
select is((select failed_items from flow_steps where item_index = -1), 29, 'and counted');
savepoint tolerated;
select tidewire.fail_steps(tests.id('worker'), (select item from failure where i = 29) || '[]'::jsonb);
select is((select error from flow_runs), '30 of 100 items of step each failed', '30 are not');
select is((select count(*) from flow_steps where item_index >= 0 and status = 'cancelled'), 70::bigint, 'the others are cancelled');
rollback to tolerated;
select tidewire.complete_steps(tests.id('worker'),
  (select jsonb_agg(tests.given_lease('each', jsonb_build_object('item_index', i, 'lease_token', 1, 'output', i)) -> 0)
    from generate_series(29, 99) i), '15 s', '{}', '{}', 0);
select is(
  (select jsonb_path_query_array(output, '$[28 to 29]') from flow_runs), '[null, 29]', 'null in place of a failed item'
);

select * from finish();
rollback;
