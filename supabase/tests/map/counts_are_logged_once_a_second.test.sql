begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_clock('2030-01-01 12:00:00+00');
select tests.given_run(p_input => '[1, 2, 3]');
select count(*) from tests.given_claim(10, p_lease => '1 h');
create function pg_temp.done (i integer) returns void language sql as $$
  select tidewire.complete_steps(tests.id('worker'), tests.given_lease('each',
    jsonb_build_object('item_index', i, 'lease_token', 1, 'output', i)), '15 s', '{}', '{}', 0)
$$;
select pg_temp.done(0);
select is((select count(*) from streaming_chunks), 2::bigint, 'not within the first second');
select tests.given_clock('2030-01-01 12:00:02+00');
select pg_temp.done(1);
select is((select count(*) from streaming_chunks), 3::bigint, 'after it once');
select is((select chunk_data -> 'data' -> 'counts' from streaming_chunks order by chunk_index desc limit 1),
  '{"items": 3, "completed": 2, "failed": 0}', 'with the counts');

select * from finish();
rollback;
