begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1, 2]');
select count(*) from tests.given_claim();
create function pg_temp.item (i integer) returns jsonb language sql as $$
  select tests.given_lease('each', jsonb_build_object('item_index', i, 'lease_token', 1, 'output', i,
    'first_sequence', 0, 'chunks', '[{"type": "text-start", "id": "e.1"}]'::jsonb))
$$;
select count(*) from tidewire.append_chunks('15 s', pg_temp.item(0));
select is((select count(*) from streaming_chunks where chunk_type = 'text'), 0::bigint, 'by appends');
select count(*) from tidewire.complete_steps(tests.id('worker'), pg_temp.item(0), '15 s', '{}', '{}', 0);
select is((select count(*) from streaming_chunks where chunk_type = 'text'), 0::bigint, 'nor by completions');
select count(*) from tidewire.complete_steps(tests.id('worker'), pg_temp.item(1), '15 s', '{}', '{}', 0);
select is((select count(*) from streaming_chunks where chunk_type = 'text'), 0::bigint, 'not even the last');

select * from finish();
rollback;
