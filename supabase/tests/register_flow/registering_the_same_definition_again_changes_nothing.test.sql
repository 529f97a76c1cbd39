begin;
select plan(3);

select tests.given_worker();
create temporary table registered on commit drop as select tests.given_flow('[{"slug": "write"}]')
  as version;

select is(
  tests.given_flow('[{"slug": "write"}]'),
  (select version from registered),
  'the version is the same'
);
select is((select count(*) from tidewire.step_definitions), 1::bigint, 'no step is doubled');
select is((select cardinality(versions) from tidewire.workers), 1, 'nor what the worker serves');

select * from finish();
rollback;
