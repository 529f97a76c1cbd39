begin;
select plan(2);

update tidewire.limits set map_output_bytes = 1024;
select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1, 2]');
select count(*) from tests.given_claim();
select tidewire.complete_steps(tests.id('worker'),
  (select jsonb_agg(tests.given_lease('each', jsonb_build_object('item_index', i, 'lease_token', 1, 'output', repeat('x', 600))) -> 0)
    from generate_series(0, 1) i), '15 s', '{}', '{}', 0);
select is((select status from flow_runs), 'failed', 'the run fails');
select matches((select error from flow_runs), 'output of step each must be at most 1024 bytes', 'readably');

select * from finish();
rollback;
