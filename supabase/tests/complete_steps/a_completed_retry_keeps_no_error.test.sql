begin;
select plan(2);

select tests.given_running();
select tests.given_failed();
select tests.given_clock(statement_timestamp() + interval '1 hour');
select tests.given_claim();
select tests.given_completed();

select results_eq(
  $$ select status, error, attempt from flow_steps $$,
  $$ values ('completed', null::text, 2) $$,
  'of the step'
);
select results_eq(
  $$ select status, error from flow_runs $$,
  $$ values ('completed', null::text) $$,
  'of the run'
);

select * from finish();
rollback;
