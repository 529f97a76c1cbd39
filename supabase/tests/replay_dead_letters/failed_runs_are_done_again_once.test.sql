begin;
select plan(4);

select tests.given_failed_diamond();
set local role service_role;
select results_eq(
  'select origin from tidewire.replay_dead_letters()', array[tests.id('run')],
  'a dead letter is replayed'
);
select is_empty('select * from tidewire.replay_dead_letters()', 'and not again while that runs');
reset role;
create temporary table replayed as
select run_id from flow_runs where origin_run_id = tests.id('run');
select is(
  tests.steps_of((select run_id from replayed)),
  '{"plan": "completed run", "left": "completed run", "right": "queued", "join": "waiting"}',
  'its finished steps are taken over, as retry_run does'
);
select is(
  (select replayed_by from tidewire.dead_letters), (select run_id from replayed),
  'the dead letters say what replays them'
);

select * from finish();
rollback;
