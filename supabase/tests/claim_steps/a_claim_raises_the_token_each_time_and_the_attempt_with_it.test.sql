begin;
select plan(2);

select tests.given_running();
select tests.given_clock('2030-01-01 12:00:00+00');
select tidewire.release_steps(tests.id('worker'), tests.given_lease());
select tests.given_claim();
select results_eq(
  $$ select attempt, lease_token from flow_steps $$,
  $$ values (1, 2::bigint) $$,
  'after a release'
);
select tests.given_failed();
select tests.given_clock('2030-01-01 13:00:00+00');
select tests.given_claim();
select results_eq(
  $$ select attempt, lease_token from flow_steps $$,
  $$ values (2, 3::bigint) $$,
  'after a failure'
);

select * from finish();
rollback;
