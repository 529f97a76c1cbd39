begin;
select plan(2);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}]');

select bag_eq(
  $$ select answer
    from tidewire.complete_steps(tests.id('worker'), tests.given_lease('a', '{"output": 1}')
    || tests.given_lease('a', '{"output": 1}'), '15 s', '{}', '{}', 0) where ordinal is not null $$,
  $$ values ('completed'), ('duplicate') $$, 'the other is a duplicate'
);
select is((select remaining_steps from flow_runs), 1, 'it counts once');

select * from finish();
rollback;
