begin;
select plan(1);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}, {"slug": "c"}]');
select tests.given_completed('c');

select results_eq(
  $$ select ordinal, answer from tidewire.extend_leases(tests.id('worker'), '15 s',
      tests.given_lease('a', '{"lease_token": 0}') || tests.given_lease('b')
        || tests.given_lease('c')
        || tests.given_lease('a', jsonb_build_object('run_id', tests.id('none')))) order by 1 $$,
  $$ values (0, 'lease_lost'), (1, 'extended'), (2, 'lease_lost'), (3, 'cancelled') $$,
  'each item has its own answer'
);

select * from finish();
rollback;
