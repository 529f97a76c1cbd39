begin;
select plan(4);

-- Ten layers of four steps, each of which depends on the whole layer before: 4^9 paths.
select tests.given_user();
select tests.given_worker();
select tests.given_flow(
  (
    select jsonb_agg(jsonb_build_object(
      'slug', format('s%s_%s', layer, n),
      'deps', case when layer = 0 then '[]'::jsonb else (
        select jsonb_agg(format('s%s_%s', layer - 1, d)) from generate_series(1, 4) d
      ) end
    ) order by layer, n)
    from generate_series(0, 9) layer, generate_series(1, 4) n
  )
);
select tests.given_run();
do $$
declare
  v_items jsonb;
begin
  for v_round in 1..10 loop
    select jsonb_agg(c.detail || '{"output": 1}') into v_items
    from tests.given_claim(100) c
    where c.answer = 'claimed';
    exit when v_items is null;
    perform tidewire.complete_steps(tests.id('worker'), v_items, '15 s', '{}', '{}', 0);
  end loop;
end
$$;
create temporary table retried on commit drop as
  select (tidewire.retry_run_for(tests.id('run'), 's5_2') ->> 'run_id')::uuid as run_id;

select is((select status from flow_runs where run_id = tests.id('run')), 'completed', 'it ran');
select results_eq(
  $$ select s.status, s.reused, count(*)::integer
    from flow_steps s join retried using (run_id) group by 1, 2 order by 1 $$,
  $$ values ('completed', 'run', 23), ('queued', null, 1), ('waiting', null, 16) $$,
  'the step and the four layers after it are redone'
);
select is(
  (select remaining_steps from flow_runs join retried using (run_id)), 17, 'and counted'
);
select is(
  (
    select array_agg(distinct s.remaining_deps order by s.remaining_deps)
    from flow_steps s join retried using (run_id)
    where s.status = 'waiting'
  ),
  '{1,4}', 'each waits for what is redone alone'
);

select * from finish();
rollback;
