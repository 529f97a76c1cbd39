begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow(
  (select jsonb_agg(jsonb_build_object('slug', 's' || l || '_' || n,
    'deps', case when l = 0 then '[]' else jsonb_build_array('s' || l - 1 || '_0', 's' || l - 1 || '_1') end,
    'when', case when l = 0 then '$.input.go' end, 'otherwise', 'skip_dependents') order by l, n)
    from generate_series(0, 19) l, generate_series(0, 1) n));
select tests.given_run();
select is((select count(*) from flow_steps where status = 'skipped'), 40::bigint, 'all are skipped');
select is((select (status, remaining_steps)::text from flow_runs), '(completed,0)', 'and counted once');
select is((select output from flow_runs), '{}', 'nothing is left of several leaves');

select * from finish();
rollback;
