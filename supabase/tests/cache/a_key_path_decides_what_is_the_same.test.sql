begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "cache": {"fresh_ms": 60000, "scope": "owner", "key": "$.input.id"}}]');
select tests.given_run(p_input => '{"id": 1, "at": 1}');
select count(*) from tests.given_claim();
select tests.given_completed();
select tests.given_run('same', p_input => '{"id": 1, "at": 2}');
select tests.given_run('other', p_input => '{"id": 2, "at": 1}');
select is((select status from flow_runs where run_id = tests.id('same')), 'completed', 'the same id hits');
select is((select status from flow_runs where run_id = tests.id('other')), 'queued', 'another misses');

select * from finish();
rollback;
