begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1, 2]');
select count(*) from tests.given_claim(1);
select tests.given_signed_in();
select cancel_run(tests.id('run'));
reset role;
select is((select count(*) from flow_steps where status <> 'cancelled'), 0::bigint, 'all are cancelled');
select is(
  (select answer from tidewire.complete_steps(tests.id('worker'),
    tests.given_lease('each', '{"item_index": 0, "lease_token": 1, "output": 1}'), '15 s', '{}', '{}', 0) where ordinal = 0),
  'cancelled', 'a late completion is told so');

select * from finish();
rollback;
