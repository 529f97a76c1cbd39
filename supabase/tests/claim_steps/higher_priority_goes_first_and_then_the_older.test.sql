begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('younger');
select tests.given_run('older');
select tests.given_run('urgent', p_priority => 1);
update flow_steps set available_at = available_at - interval '1 hour'
  where run_id = tests.id('older');

select is(
  (select run_id from tests.given_claim(1) where answer = 'claimed'),
  tests.id('urgent'),
  'priority'
);
select is(
  (select run_id from tests.given_claim(1) where answer = 'claimed'),
  tests.id('older'),
  'age'
);
select is(
  (select run_id from tests.given_claim(1) where answer = 'claimed'),
  tests.id('younger'),
  'the rest'
);

select * from finish();
rollback;
