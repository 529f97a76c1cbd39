begin;
select plan(3);

select tests.given_running();
select tests.given_signed_in('ada');
select public.cancel_run(tests.id('run'));
reset role;
select is(
  (select array_agg(answer) from tests.given_completed()),
  '{cancelled}',
  'the answer says so'
);
select is((tests.log_of())[cardinality(tests.log_of())], 'abort', 'abort stays last');
select is((select output from flow_steps), null, 'no output is recorded');

select * from finish();
rollback;
