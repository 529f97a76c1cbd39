begin;
select plan(2);

select tests.given_running();
select is(
  (select answer
    from tidewire.complete_steps(tests.id('worker'), tests.given_lease(), '15 s', '{}', '{}', 0)
    where ordinal = 0), 'completed', 'completed'
);
select is((select output from flow_steps), 'null', 'JSON null');

select * from finish();
rollback;
