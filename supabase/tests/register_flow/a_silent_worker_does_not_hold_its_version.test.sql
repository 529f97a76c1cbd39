begin;
select plan(2);

select tests.given_worker('worker');
select tests.given_worker('newer');
create temporary table registered on commit drop as select tests.given_flow('[{"slug": "write"}]')
  as version;
select tidewire.register_flow(
  tests.id('newer'),
  tests.definition('[{"slug": "write"}]', 'answer', '{"label": "2"}')
);
select isnt(
  (select current_version from tidewire.flows),
  (select version from registered),
  'the newer is current'
);
select tests.given_clock(statement_timestamp() + interval '2 minutes');
select tests.given_flow('[{"slug": "write"}]');

select is(
  (select current_version from tidewire.flows),
  (select version from registered),
  'until its worker is silent for a minute'
);

select * from finish();
rollback;
