begin;
select plan(3);

select tests.given_running('[{"slug": "write", "cache": {"fresh_ms": 1000, "scope": "shared"}}]');
select tests.given_completed();
select is((select count(*) from tidewire.cache where owner = 'shared'), 1::bigint, 'kept behind shared');
select tests.given_clock(statement_timestamp() + interval '2 seconds');
select tests.given_run('again');
select is((select status from flow_runs where run_id = tests.id('again')), 'queued', 'not used');
select is((tidewire.maintain() ->> 'forgotten')::int, 1, 'and forgotten');

select * from finish();
rollback;
