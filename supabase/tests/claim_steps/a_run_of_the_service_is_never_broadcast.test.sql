begin;
select plan(3);

select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]', 'internal', '{"access": "service"}');
select tests.given_run(p_flow => 'internal', p_owner => null);
create temporary table claimed on commit drop as select * from tests.given_claim();

select is(
  (select detail -> 'broadcast' from claimed where answer = 'claimed'),
  'false',
  'the step says so'
);
select is(
  (select count(*) from claimed where answer = 'logged'),
  0::bigint,
  'its entries are not handed out'
);
select is(
  (select detail -> 'user_id' from claimed where answer = 'claimed'),
  'null',
  'it has no user'
);

select * from finish();
rollback;
