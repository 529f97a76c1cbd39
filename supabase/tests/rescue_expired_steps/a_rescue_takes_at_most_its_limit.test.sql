begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('one');
select tests.given_run('two');
select tests.given_run('three');
select tests.given_claim();
select tests.given_clock(statement_timestamp() + interval '1 minute');

select is(
  (select count(*) from tidewire.rescue_expired_steps(2) where answer = 'retrying'),
  2::bigint,
  'two'
);
select is(
  (select count(*) from tidewire.rescue_expired_steps(2) where answer = 'retrying'),
  1::bigint,
  'then the rest'
);

select * from finish();
rollback;
