begin;
select plan(4);

select tests.given_running();
select tests.given_user('eve');
select tests.given_run('hers', p_owner => tests.id('eve'));
select set_config('role', 'service_role', true);
select is((select count(*) from flow_runs), 2::bigint, 'service_role reads runs');
select is((select count(*) from tidewire.flow_versions), 1::bigint, 'and versions');
reset role;
-- The role sees pgTAP for this transaction.
grant usage on schema extensions to tidewire_worker;
select set_config('role', 'tidewire_worker', true);
select is(
  (select count(*) from flow_steps where lease_token > 0),
  1::bigint,
  'the worker''s role reads steps with their leases'
);
select is((select count(*) from tidewire.workers), 1::bigint, 'and workers');

select * from finish();
rollback;
