begin;
select plan(5);

select tests.given_running();
select is((select answer from tidewire.sleep_steps(tests.id('worker'), tests.given_lease('write', '{"name": "nap", "wait_ms": 60000}')) where ordinal = 0), 'slept', 'slept');
select results_eq('select status, attempt from flow_steps', $$values ('scheduled', 0)$$, 'no attempt is spent');
select is((tests.log_of())[3], 'data-progress write waiting', 'the log says so');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 0::bigint, 'not before its time');
select tests.given_clock(statement_timestamp() + interval '2 minutes');
select is((select detail -> 'sleeps' ? 'nap' from tests.given_claim() where answer = 'claimed'), true, 'the next claim knows');

select * from finish();
rollback;
