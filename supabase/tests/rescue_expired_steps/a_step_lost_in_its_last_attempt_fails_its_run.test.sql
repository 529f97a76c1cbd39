begin;
select plan(3);

select tests.given_running('[{"slug": "write", "max_attempts": 1}]');
select tests.given_chunks('[{"type": "text-start", "id": "w.1"}]');
select tests.given_clock(statement_timestamp() + interval '1 minute');

select is(
  (select array_agg(answer) from tidewire.rescue_expired_steps(10)),
  '{failed,logged}',
  'failed'
);
select results_eq(
  $$ select status, error from flow_runs $$,
  $$ values ('failed', 'step write lost its worker') $$,
  'the run ends'
);
select is(
  (tests.log_of())[4:],
  array['data-progress write failed', 'text-end w.1', 'error'],
  'its log too'
);

select * from finish();
rollback;
