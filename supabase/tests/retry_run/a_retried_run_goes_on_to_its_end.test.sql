begin;
select plan(4);

select tests.given_failed_diamond();
create temporary table retried on commit drop as
  select (tidewire.retry_run_for(tests.id('run')) ->> 'run_id')::uuid as run_id;
create temporary table claimed on commit drop as
  select * from tests.given_claim() where answer = 'claimed';

select is((select array_agg(step_slug) from claimed), '{right}', 'only what failed is claimed');
select is(
  (select detail -> 'inputs' from claimed), '{"plan": "plan"}', 'with the outputs taken over'
);
do $$
declare
  v_items jsonb;
begin
  for v_round in 1..3 loop
    select jsonb_agg(s.key || '{"output": 2}') into v_items
    from (
      select jsonb_build_object(
        'run_id', run_id, 'step_slug', step_slug, 'lease_token', lease_token
      ) as key
      from flow_steps where status = 'running'
    ) s;
    exit when v_items is null;
    perform tidewire.complete_steps(tests.id('worker'), v_items, '15 s', '{}', '{}', 0);
    perform tests.given_claim();
  end loop;
end
$$;
select is(
  (select status || ' ' || remaining_steps from flow_runs r join retried using (run_id)),
  'completed 0', 'the run completes'
);
select is(
  (tests.log_of((select run_id from retried)))[5:],
  '{data-progress right started,data-progress right completed,data-progress join started,data-progress join completed,finish}',
  'and its log goes on after what was taken over'
);

select * from finish();
rollback;
