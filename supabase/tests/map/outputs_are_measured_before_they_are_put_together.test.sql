begin;
select plan(4);

-- Postgres makes no list over 256 MiB. Whoever tried would fail each time, and a rescue with it.
select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "max_attempts": 1, "tolerance": 0.5}]');
select tests.given_run(p_input => '[1, 2, 3, 4, 5, 6]');
select count(*) from tests.given_claim();
update flow_steps
set status = 'completed', output = to_jsonb(repeat('x', 60000000)), lease_expires_at = null,
    attempt_deadline_at = null, worker_id = null, finished_at = now()
where item_index between 0 and 4;
update flow_steps set remaining_items = 1 where item_index = -1;
update flow_steps set lease_expires_at = clock_timestamp() - interval '1 s' where item_index = 5;
select lives_ok('select tidewire.rescue_expired_steps(10)', 'the last item is rescued');
select is((select status from flow_runs), 'failed', 'the run fails');
select is(
  (select error from flow_runs),
  'output of step each must be at most 16777216 bytes, got 300000026', 'and says why');
select is((select count(*) from flow_steps where finished_at is null), 0::bigint, 'nothing is left');

select * from finish();
rollback;
