begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('run' || n) from generate_series(1, 50) n;
create temporary table completed on commit drop as
  select *
  from tidewire.complete_steps(
    tests.id('worker'),
    (
      select jsonb_agg(c.detail || jsonb_build_object('output', c.run_id))
      from tests.given_claim(50) c
      where c.answer = 'claimed'
    ),
    '15 s', '{}', '{}', 0
  );

select is((select count(*) from completed where answer = 'completed'), 50::bigint, 'all at once');
select is(
  (select count(*) from flow_runs where status = 'completed' and output = to_jsonb(run_id)),
  50::bigint, 'each run has its own output'
);
select is(
  (select count(*) from completed where answer = 'logged' and detail -> 'first_index' = '2'),
  50::bigint, 'and its own log'
);

select * from finish();
rollback;
