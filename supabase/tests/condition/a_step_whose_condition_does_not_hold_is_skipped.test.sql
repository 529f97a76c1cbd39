begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "a", "when": "$.input.go"}, {"slug": "b", "deps": ["a"]}]');
select tests.given_run(p_input => '{"go": false}');
select is((select status from flow_steps where step_slug = 'a'), 'skipped', 'skipped');
select is((select detail -> 'inputs' from tests.given_claim() where answer = 'claimed'), '{}', 'the dependent goes on without it');
select tests.given_completed('b', '1');
select is((select output from flow_runs), '1', 'to its end');
select is((select remaining_steps from flow_runs), 0, 'each counted once');

select * from finish();
rollback;
