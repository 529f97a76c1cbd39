begin;
select plan(3);

select tests.given_running('[{"slug": "write", "cache": {"fresh_ms": 60000, "scope": "owner"}}]');
select tests.given_completed();
select tests.given_user('eve');
select tests.given_run('other', p_owner => tests.id('eve'));
select tests.given_run('changed', p_input => '{"a": 1}');
select is((select status from flow_runs where run_id = tests.id('other')), 'queued', 'another owner');
select is((select status from flow_runs where run_id = tests.id('changed')), 'queued', 'another input');
delete from flow_runs where run_id = tests.id('run');
select is((select count(*) from tidewire.cache), 0::bigint, 'the entry goes with its run');

select * from finish();
rollback;
