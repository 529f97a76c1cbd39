begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "a", "over": "input"}, {"slug": "b", "over": "a", "deps": ["a"]}]');
select tests.given_run(p_input => '[1, 2]');
create function pg_temp.all_done (slug text) returns void language sql as $$
  select tests.given_claim();
  select tidewire.complete_steps(tests.id('worker'),
    (select jsonb_agg(tests.given_lease(slug, jsonb_build_object('item_index', i.item_index,
      'lease_token', i.lease_token, 'output', (i.item_input::text)::int * 10)) -> 0)
      from flow_steps i where i.step_slug = slug and i.status = 'running'), '15 s', '{}', '{}', 0)
$$;
select pg_temp.all_done('a');
select is((select total_items from flow_steps where step_slug = 'b' and item_index = -1), 2, 'an item an output');
select pg_temp.all_done('b');
select is((select output from flow_runs), '[100, 200]', 'in order');
select is(
  (select count(*) from streaming_chunks where chunk_data -> 'data' ->> 'status' = 'completed'), 2::bigint,
  'the log says of each map once that it is completed'
);

select * from finish();
rollback;
