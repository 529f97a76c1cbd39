begin;
select plan(3);

select tests.given_running();

select is(
  (select answer
    from tidewire.complete_steps(tests.id('worker'),
    tests.given_lease('write', '{"output": 1, "lease_token": null}'), '15 s', '{}', '{}', 0)
    where ordinal = 0),
  'lease_lost', 'lease_lost'
);
select is(
  (select answer
    from tidewire.fail_steps(tests.id('worker'),
    tests.given_lease('write', '{"lease_token": null}')) where ordinal = 0), 'lease_lost',
    'a failure too'
);
select is((select status from flow_steps), 'running', 'the step goes on');

select * from finish();
rollback;
