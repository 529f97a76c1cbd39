begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "plan"}, {"slug": "left", "deps": ["plan"]}, {"slug": "right", "deps": ["plan"]},
  {"slug": "join", "deps": ["left", "right"]}
]');
select tests.given_run();
select tests.given_done('{plan,left}');
select is((select status from flow_steps where step_slug = 'join'), 'waiting', 'one side is not enough');
select count(*) from tests.given_completed('right', 'false');
select is(
  (select detail -> 'inputs' from tests.given_claim() where answer = 'claimed'),
  '{"left": "left", "right": false}', 'the join is given both sides');
select count(*) from tests.given_completed('join', '0');
select is((select output from flow_runs), '0', 'its output is that of the run');
select is((select remaining_steps from flow_runs), 0, 'each step is counted once');

select * from finish();
rollback;
