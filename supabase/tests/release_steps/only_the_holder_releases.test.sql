begin;
select plan(3);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}]');
select tests.given_completed('b');
select results_eq(
  $$ select answer
    from tidewire.release_steps(tests.id('worker'), tests.given_lease('a', '{"lease_token": 9}')
    || tests.given_lease('b')
    || tests.given_lease('a', '{"lease_token": null}')) order by ordinal $$,
  $$ values ('lease_lost'), ('lease_lost'), ('lease_lost') $$,
  'not under another token, not after the end'
);
select isnt(
  (select answer from tidewire.release_steps(tests.id('another'), tests.given_lease('a'))),
  'released',
  'not another worker'
);
select is((select status from flow_steps where step_slug = 'a'), 'running', 'the step goes on');

select * from finish();
rollback;
