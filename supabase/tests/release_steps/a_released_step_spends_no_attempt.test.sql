begin;
select plan(3);

select tests.given_running();
select results_eq(
  $$ select ordinal, answer, step_slug
    from tidewire.release_steps(tests.id('worker'), tests.given_lease()) $$, $$
    values (0, 'released', 'write') $$, 'released'
);
select results_eq(
  $$ select status, attempt, lease_token, worker_id, lease_expires_at from flow_steps $$,
  $$ values ('queued', 0, 1::bigint, null::uuid, null::timestamptz) $$, 'it is ready again'
);
select is(
  (select (detail -> 'attempt')::int from tests.given_claim() where answer = 'claimed'),
  1,
  'the next attempt is the first'
);

select * from finish();
rollback;
