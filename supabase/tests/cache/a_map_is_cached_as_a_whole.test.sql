begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "cache": {"fresh_ms": 60000, "scope": "owner"}}]');
select tests.given_run(p_input => '[1]');
select count(*) from tests.given_claim();
select tidewire.complete_steps(tests.id('worker'),
  tests.given_lease('each', '{"item_index": 0, "lease_token": 1, "output": "one"}'), '15 s', '{}', '{}', 0);
select tests.given_run('again', p_input => '[1]');
select is((select output from flow_runs where run_id = tests.id('again')), '["one"]', 'the list is used again');
select is((select count(*) from flow_steps where run_id = tests.id('again')), 1::bigint, 'without items');

select * from finish();
rollback;
