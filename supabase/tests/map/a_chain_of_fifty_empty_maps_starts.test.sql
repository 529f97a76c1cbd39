begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow(
  (select jsonb_agg(jsonb_build_object(
    'slug', 'm' || i, 'over', case when i = 1 then 'input' else 'm' || i - 1 end,
    'deps', case when i = 1 then '[]' else jsonb_build_array('m' || i - 1) end) order by i)
    from generate_series(1, 50) i)
);
select tests.given_run(p_input => '[]');
select is((select status from flow_runs), 'completed', 'and completes at once');
select is((select count(*) from flow_steps where status = 'completed'), 50::bigint, 'each map');

select * from finish();
rollback;
