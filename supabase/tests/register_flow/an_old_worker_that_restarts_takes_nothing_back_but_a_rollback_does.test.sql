begin;
select plan(2);

select tests.given_worker('worker');
select tests.given_worker('newer');
create temporary table registered on commit drop as select tests.given_flow('[{"slug": "write"}]')
  as old_version, '' as new_version;
update registered set new_version = tidewire.register_flow(tests.id('newer'),
  tests.definition('[{"slug": "write"}]', 'answer', '{"label": "2"}'));

select tests.given_flow('[{"slug": "write"}]');
select is(
  (select current_version from tidewire.flows), (select new_version from registered),
  'while a live worker serves the new one'
);
select tidewire.stop_worker(tests.id('newer'));
select tests.given_flow('[{"slug": "write"}]');
select is(
  (select current_version from tidewire.flows), (select old_version from registered),
  'once none does, the old one is current'
);

select * from finish();
rollback;
