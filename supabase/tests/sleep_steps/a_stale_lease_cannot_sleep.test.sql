begin;
select plan(2);

select tests.given_running();
select is((select answer from tidewire.sleep_steps(tests.id('worker'), tests.given_lease('write', '{"lease_token": 0, "name": "nap", "wait_ms": 1}')) where ordinal = 0), 'lease_lost', 'lease_lost');
select is((select status from flow_steps), 'running', 'the step goes on');

select * from finish();
rollback;
