begin;
select plan(2);

select tests.given_running();
select is(tidewire.thread_messages(tests.id('run')), '[]', 'no thread');
select is(tidewire.thread_messages(tests.id('none')), '[]', 'no run');

select * from finish();
rollback;
