begin;
select plan(3);

select tests.given_running();
select tests.given_clock(statement_timestamp());
select is(
  (select detail from tests.given_claim()), '{"busy": false, "next_available_in_ms": null}',
  'nothing is to come'
);
select tests.given_failed();
update flow_steps set status = 'scheduled', available_at = tidewire.clock() + interval '1.5 s';
select is(
  (select detail from tests.given_claim()), '{"busy": false, "next_available_in_ms": 1500}',
  'a scheduled step is'
);
select is(
  (select count(*) from tests.given_claim(0)),
  0::bigint,
  'a claim of nothing answers nothing'
);

select * from finish();
rollback;
