begin;
select plan(2);

select tests.given_running('[{"slug": "write", "backoff_base_ms": 0, "backoff_cap_ms": 0}]');
select is(
  (select detail from tests.given_failed() where answer = 'retrying'),
  '{"available_in_ms": 0}',
  'it waits for nothing'
);
select is(
  (select (detail -> 'attempt')::int from tests.given_claim() where answer = 'claimed'),
  2,
  'the next claim gets it'
);

select * from finish();
rollback;
