begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "each", "over": "input", "max_attempts": 1, "on_exhausted": "skip"},
  {"slug": "sum", "deps": ["each"]}
]');
select tests.given_run(p_input => '[1, 2]');
select count(*) from tests.given_claim();
create function pg_temp.item (i integer, more jsonb) returns jsonb language sql as $$
  select tests.given_lease('each', jsonb_build_object('item_index', i, 'lease_token', 1) || more)
$$;
select tidewire.fail_steps(tests.id('worker'), pg_temp.item(0, '{"error": "x", "message": "x"}'));
select is((select answer from tidewire.extend_leases(tests.id('worker'), '15 s', pg_temp.item(1, '{}'))), 'cancelled', 'the heartbeat says so');
select is(
  (select answer from tidewire.complete_steps(tests.id('worker'), pg_temp.item(1, '{"output": 1}'), '15 s', '{}', '{}', 0) where ordinal = 0),
  'cancelled', 'and so does a late completion');
select is((select detail -> 'inputs' from tests.given_claim() where answer = 'claimed'), '{}', 'what depends on it goes on');
select is((select remaining_steps from flow_runs), 1, 'and the map is counted once');

select * from finish();
rollback;
