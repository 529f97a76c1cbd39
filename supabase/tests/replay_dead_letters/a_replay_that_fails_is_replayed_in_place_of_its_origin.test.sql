begin;
select plan(3);

select tests.given_failed_diamond();
select * from tidewire.replay_dead_letters();
create temporary table first as
select run_id from flow_runs where origin_run_id = tests.id('run');
select tests.given_claim();
select *
from tidewire.fail_steps(
  tests.id('worker'),
  (
    select jsonb_build_array(jsonb_build_object(
      'run_id', s.run_id, 'step_slug', s.step_slug, 'lease_token', s.lease_token,
      'error', 'still', 'message', 'it broke', 'retryable', false
    ))
    from flow_steps s join first f using (run_id)
    where s.step_slug = 'right'
  )
);
select is((select count(*) from tidewire.dead_letters), 2::bigint, 'both are dead letters now');
select results_eq(
  'select origin from tidewire.replay_dead_letters()', 'select run_id from first',
  'the later one is replayed, and the work is not doubled'
);
select cancel_run from (
  select tests.given_signed_in()
) signed, lateral (
  select public.cancel_run(r.run_id)
  from flow_runs r join first f on r.origin_run_id = f.run_id
) cancelled;
reset role;
select results_eq(
  'select origin from tidewire.replay_dead_letters()', 'select run_id from first',
  'a replay that was cancelled leaves its origin to be replayed'
);

select * from finish();
rollback;
