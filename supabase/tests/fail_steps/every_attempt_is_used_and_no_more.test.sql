begin;
select plan(2);

select tests.given_running(
  '[{"slug": "write", "max_attempts": 3, "backoff_base_ms": 0, "backoff_cap_ms": 0}]'
);
create temporary table tries on commit drop as select 1 as nth, answer from tests.given_failed()
  where ordinal = 0;
select tests.given_claim();
insert into tries select 2, answer from tests.given_failed() where ordinal = 0;
select tests.given_claim();
insert into tries select 3, answer from tests.given_failed() where ordinal = 0;

select results_eq(
  $$ select answer from tries order by nth $$,
  $$ values ('retrying'), ('retrying'), ('failed') $$,
  'three'
);
select is(
  tests.log_of(),
  array['start', 'data-progress write started', 'data-progress write retrying',
    'data-progress write started',
    'data-progress write retrying', 'data-progress write started', 'data-progress write failed',
    'error'], 'one terminal entry'
);

select * from finish();
rollback;
