begin;
select plan(2);

select tests.given_running();
create temporary table lease on commit drop as select tests.given_lease('write', '{"name": "nap", "wait_ms": 1}') as items;
select tidewire.sleep_steps(tests.id('worker'), items) from lease;
select tests.given_signed_in();
select cancel_run(tests.id('run'));
reset role;
select is((select status from flow_steps), 'cancelled', 'cancelled');
select is((select a.answer from lease, tidewire.sleep_steps(tests.id('worker'), items) a where ordinal = 0), 'cancelled', 'a late sleep is told so');

select * from finish();
rollback;
