begin;
select plan(4);

select tests.given_running('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select is(public.read_log(tests.id('run')) -> 'waiting_for', '[]', 'a step is leased');
reset role;

select tidewire.release_steps(tests.id('worker'), tests.given_lease());
select tests.given_signed_in('ada');
select is(public.read_log(tests.id('run')) -> 'waiting_for', '[]', 'a live worker serves it');
reset role;

select tidewire.stop_worker(tests.id('worker'));
select tests.given_signed_in('ada');
select is(public.read_log(tests.id('run')) -> 'waiting_for', '["worker"]', 'no worker does');
select public.cancel_run(tests.id('run'));
select is(public.read_log(tests.id('run')) -> 'waiting_for', '[]', 'an ended run waits for nothing');

select * from finish();
rollback;
