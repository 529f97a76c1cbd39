begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow(
  (
    select jsonb_agg(jsonb_build_object(
      'slug', 's' || n, 'deps',
      case when n = 1 then '[]'::jsonb
        when n <= 40 then jsonb_build_array('s' || n - 1)
        when n <= 80 then '["s40"]'
        else (select jsonb_agg('s' || d) from generate_series(41, 80) d)
      end
    ) order by n)
    from generate_series(1, 81) n
  )
);
select tests.given_run();
do $$
declare
  v_items jsonb;
begin
  for v_round in 1..60 loop
    select jsonb_agg(c.detail || '{"output": 1}') into v_items
    from tests.given_claim(100) c
    where c.answer = 'claimed';
    exit when v_items is null;
    perform tidewire.complete_steps(tests.id('worker'), v_items, '15 s', '{}', '{}', 0);
  end loop;
end
$$;

select is((select status from flow_runs), 'completed', 'the run is completed');
select is((select count(*) from flow_steps where attempt = 1), 81::bigint, 'each step ran once');
select is(
  (select count(*) = max(chunk_index) + 1 from streaming_chunks), true, 'the log is dense'
);
select is((tests.log_of())[cardinality(tests.log_of())], 'finish', 'and ends with finish');

select * from finish();
rollback;
