begin;
select plan(2);

select tests.given_running('[{"slug": "write", "cache": {"fresh_ms": 60000, "scope": "shared"}}]');
select tests.given_completed();
select tests.given_user('eve');
select tests.given_run('other', p_owner => tests.id('eve'));
select is((select status from flow_runs where run_id = tests.id('other')), 'completed', 'another user');
select tests.given_flow('[{"slug": "write", "max_attempts": 5, "cache": {"fresh_ms": 60000, "scope": "shared"}}]');
select tests.given_run('newer');
select is((select status from flow_runs where run_id = tests.id('newer')), 'queued', 'another version misses');

select * from finish();
rollback;
