begin;
select plan(5);

select tests.given_running();

select is(
  tests.refusal_of($$ update flow_steps set lease_expires_at = null $$) ->> 'code', '23514',
  'none runs without a lease'
);
select is(
  tests.refusal_of($$ update flow_steps set worker_id = null $$) ->> 'code', '23514',
  'nor without a worker'
);
select is(
  tests.refusal_of($$ update flow_steps set attempt_deadline_at = null $$) ->> 'code', '23514',
  'nor without a deadline'
);
select is(
  tests.refusal_of($$ update flow_steps set attempt = 4 $$) ->> 'message',
  'new row for relation "flow_steps" violates check constraint "attempts_stay_within_their_limit"',
  'nor past its attempts'
);
select is(
  tests.refusal_of($$ update flow_steps set status = 'paused' $$) ->> 'code', '23514',
  'nor in a status that is unknown'
);

select * from finish();
rollback;
