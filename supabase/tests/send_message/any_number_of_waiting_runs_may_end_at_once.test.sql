begin;
select plan(3);

-- Each ended run passes the turn to the next. That must not be done by calls within calls.
select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "never", "when": "$.input.never"}]', 'quick');
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in();
select send_message('t', tests.message('first'), 'answer');
select count(send_message('t', tests.message('m' || i), 'quick', 'queue')) from generate_series(1, 400) i;
reset role;
select count(*) from tests.given_claim();
select lives_ok($$
  select tidewire.complete_steps(
    tests.id('worker'),
    (
      select jsonb_build_array(jsonb_build_object('run_id', run_id, 'step_slug', step_slug, 'lease_token', 1, 'output', 1))
      from flow_steps
      where status = 'running'
    ),
    '15 s', '{}', '{}', 0)
$$, 'the one before them completes');
select tidewire.maintain() from generate_series(1, 22);
select is((select count(*) from flow_runs where finished_at is null), 0::bigint, 'all end');
select is((select active_run_id from flow_threads), null, 'and the thread is free');

select * from finish();
rollback;
