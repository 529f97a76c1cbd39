begin;
select plan(3);

select tests.given_running('[{"slug": "write", "delay_ms": 60000}]');
select is((select status from flow_steps), 'scheduled', 'scheduled');
select is((tests.log_of())[2], 'data-progress write waiting', 'in the log');
select tests.given_clock(statement_timestamp() + interval '2 minutes');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 1::bigint, 'claimed when its time has come');

select * from finish();
rollback;
