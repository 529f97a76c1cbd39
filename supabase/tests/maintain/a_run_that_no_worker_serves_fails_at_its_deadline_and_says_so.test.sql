begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run();
select tidewire.stop_worker(tests.id('worker'));
select tests.given_clock(statement_timestamp() + interval '25 hours');
select tidewire.maintain();

select is(
  (select error from flow_runs),
  'the run was not finished before its deadline: no worker serves its version of the flow',
  'with that reason'
);
select is(tests.log_of(), '{start,error}', 'its log ends');

select * from finish();
rollback;
