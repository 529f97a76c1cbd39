begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_signed_in();
select is((start_run('answer', '[]', tests.id('first'), 't')) ->> 'status', 'completed', 'an empty map completes at once');
select is((start_run('answer', '5', tests.id('second'), 't')) ->> 'status', 'failed', 'no list fails at once');
reset role;
select is((select active_run_id from flow_threads), null, 'the thread is free');

select * from finish();
rollback;
