begin;
select plan(3);

select tests.given_running();
select is(
  (select answer from tests.given_failed('write', false) where ordinal = 0),
  'failed',
  'failed'
);
select is((select status from flow_runs), 'failed', 'the run too');
select is((select attempt from flow_steps), 1, 'in its first attempt');

select * from finish();
rollback;
