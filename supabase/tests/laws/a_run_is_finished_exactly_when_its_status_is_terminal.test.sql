begin;
select plan(5);

select tests.given_running();

select is(
  tests.refusal_of($$ update flow_runs set status = 'cancelled' $$) ->> 'message',
  'new row for relation "flow_runs" violates check constraint "finished_exactly_when_terminal"',
  'not terminal without an end'
);
select is(
  tests.refusal_of($$ update flow_runs set finished_at = now() $$) ->> 'code', '23514',
  'no end while it runs'
);
select is(
  tests.refusal_of($$ update flow_runs set output = '1' $$) ->> 'code', '23514',
  'no output before it is completed'
);
select is(
  tests.refusal_of($$ update flow_runs set status = 'completed',
    finished_at = now() $$) ->> 'message',
  'new row for relation "flow_runs" violates check constraint "completed_means_no_step_remains"',
  'not completed while a step remains'
);
select is(
  tests.refusal_of($$ update flow_runs set status = 'failed', finished_at = now() $$) ->> 'message',
  'new row for relation "flow_runs" violates check constraint "error_exactly_when_failed"',
  'not failed without an error'
);

select * from finish();
rollback;
