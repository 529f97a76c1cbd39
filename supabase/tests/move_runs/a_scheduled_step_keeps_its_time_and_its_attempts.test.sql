begin;
select plan(3);

select tests.given_running('[{"slug": "write", "max_attempts": 5}]');
select tests.given_clock(now());
select tests.given_failed();
update flow_steps set status = 'scheduled', available_at = now() + interval '1 hour', attempt = 4;
create temporary table before on commit drop as
select status, available_at, lease_token, error from flow_steps;
select tests.given_flow('[{"slug": "write", "max_attempts": 2}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select set_eq(
  'select status, available_at, lease_token, error from flow_steps', 'select * from before',
  'it is scheduled as before'
);
select results_eq(
  'select attempt, max_attempts from flow_steps', 'values (4, 5)', 'one attempt is left to it'
);
update flow_steps set available_at = now() - interval '1 s';
select is(
  (select (detail ->> 'attempt')::integer from tests.given_claim() where answer = 'claimed'), 5,
  'which it gets'
);

select * from finish();
rollback;
