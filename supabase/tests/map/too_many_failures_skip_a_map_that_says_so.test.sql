begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "max_attempts": 1, "on_exhausted": "skip"}, {"slug": "b", "deps": ["each"]}]');
select tests.given_run(p_input => '[1, 2, 3]');
select count(*) from tests.given_claim();
select tidewire.fail_steps(tests.id('worker'),
  (select jsonb_agg(tests.given_lease('each', jsonb_build_object('item_index', i, 'lease_token', 1, 'error', 'x', 'message', 'x')) -> 0)
    from generate_series(0, 1) i));
select is((select status from flow_steps where item_index = -1 and step_slug = 'each'), 'skipped', 'skipped');
select is((select status from flow_steps where item_index = 2), 'cancelled', 'what is left is cancelled');
select is((select status from flow_steps where step_slug = 'b'), 'queued', 'the dependent goes on');

select * from finish();
rollback;
