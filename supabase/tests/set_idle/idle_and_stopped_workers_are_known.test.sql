begin;
select plan(3);

select tests.given_worker();
select tidewire.set_idle(tests.id('worker'), true);
select is((select idle from tidewire.workers), true, 'idle');
select tidewire.stop_worker(tests.id('worker'));
select is((select idle from tidewire.workers), false, 'a stopped worker waits for nothing');
select isnt((select stopped_at from tidewire.workers), null, 'and is marked as stopped');

select * from finish();
rollback;
