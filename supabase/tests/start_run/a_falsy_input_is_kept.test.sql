begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('null', p_input => 'null');
select tests.given_run('zero', p_input => '0');
select tests.given_run('empty', p_input => '""');

select results_eq(
  $$ select input from flow_runs order by created_at, run_id = tests.id('null') desc,
    run_id = tests.id('zero') desc $$,
  $$ values ('null'::jsonb), ('0'), ('""') $$,
  'as given'
);
select bag_eq(
  $$ select detail -> 'run_input' from tests.given_claim() where answer = 'claimed' $$,
  $$ values ('null'::jsonb), ('0'), ('""') $$,
  'as the worker gets it'
);

select * from finish();
rollback;
