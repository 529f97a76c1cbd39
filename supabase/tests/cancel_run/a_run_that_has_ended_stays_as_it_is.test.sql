begin;
select plan(3);

select tests.given_running();
select tests.given_completed();
create temporary table before on commit drop as select tests.log_of() as log;

select tests.given_signed_in('ada');
select is(
  public.cancel_run(tests.id('run')) ->> 'status',
  'completed',
  'the answer says how it ended'
);
reset role;
select is(tests.log_of(), (select log from before), 'nothing is added to the log');
select is((select status from flow_runs), 'completed', 'the run is still completed');

select * from finish();
rollback;
