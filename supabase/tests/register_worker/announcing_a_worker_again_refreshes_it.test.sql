begin;
select plan(3);

select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tidewire.stop_worker(tests.id('worker'));
select tests.given_worker();

select is((select count(*) from tidewire.workers), 1::bigint, 'there is one row');
select is((select stopped_at from tidewire.workers), null, 'it is no longer stopped');
select is((select cardinality(versions) from tidewire.workers), 1, 'it keeps what it serves');

select * from finish();
rollback;
