begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]', p_more => '{"label": "spring"}');
select tests.given_run();
select tests.given_run('ended');
select tests.given_signed_in('ada');
select public.cancel_run(tests.id('ended'));
reset role;
set local role service_role;
select is_empty('select * from tidewire.stranded_runs', 'a live worker serves it');
reset role;

select tidewire.stop_worker(tests.id('worker'));
-- The role sees pgTAP for this transaction.
grant usage on schema extensions to tidewire_worker;
set local role tidewire_worker;
select results_eq(
  'select run_id, flow_slug, label, user_id from tidewire.stranded_runs',
  $$ values (tests.id('run'), 'answer', 'spring', tests.id('ada')) $$,
  'the active run is stranded once the worker has gone'
);
reset role;
set local role service_role;
select is((select count(*) from tidewire.stranded_runs), 1::bigint, 'the service sees it too');
reset role;

select * from finish();
rollback;
