begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1, 2, 3]');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 3::bigint, 'an item an element');
select tidewire.complete_steps(
  tests.id('worker'),
  (select jsonb_agg(tests.given_lease('each', jsonb_build_object(
    'item_index', i, 'lease_token', 1, 'output', (i + 1) * 10)) -> 0 order by i desc)
    from generate_series(0, 2) i),
  '15 s', '{}', '{}', 0
);
select is((select output from flow_runs), '[10, 20, 30]', 'in the order of the list');
select is((select status from flow_runs), 'completed', 'and the run completes');

select * from finish();
rollback;
