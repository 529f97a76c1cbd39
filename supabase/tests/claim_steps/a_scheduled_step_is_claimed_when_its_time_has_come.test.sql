begin;
select plan(2);

select tests.given_running();
select tests.given_clock('2030-01-01 12:00:00+00');
select tests.given_failed();
update flow_steps set status = 'scheduled', available_at = '2030-01-01 12:00:10+00';
select tests.given_clock('2030-01-01 12:00:09.9+00');
select is(
  (select count(*) from tests.given_claim() where answer = 'claimed'),
  0::bigint,
  'not before'
);
select tests.given_clock('2030-01-01 12:00:10+00');
select is(
  (select (detail -> 'attempt')::int from tests.given_claim() where answer = 'claimed'),
  2,
  'then at once'
);

select * from finish();
rollback;
