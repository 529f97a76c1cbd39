begin;
select plan(2);

select tests.given_running('[{"slug": "write", "max_attempts": 1}]');
select tidewire.fail_steps(tests.id('worker'), tests.given_lease());
select is((select error from flow_runs), 'step write failed', 'of the run');
select is((select status from flow_runs), 'failed', 'which failed');

select * from finish();
rollback;
