begin;
select plan(2);

select tests.given_running('[{"slug": "write", "max_attempts": 1}]');
select tidewire.release_steps(tests.id('worker'), tests.given_lease());
select tests.given_claim();
select tidewire.release_steps(tests.id('worker'), tests.given_lease());
select tests.given_claim();

select results_eq(
  $$ select status, attempt, lease_token from flow_steps $$,
  $$ values ('running', 1, 3::bigint) $$,
  'tokens never restart'
);
select is(
  (select answer from tests.given_chunks('[{"type": "text-start", "id": "w.1"}]')),
  'appended',
  'the holder writes'
);

select * from finish();
rollback;
