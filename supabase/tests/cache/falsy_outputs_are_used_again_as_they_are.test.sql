begin;
select plan(4);

select tests.given_running('[
  {"slug": "nothing", "cache": {"fresh_ms": 60000, "scope": "owner"}},
  {"slug": "zero", "cache": {"fresh_ms": 60000, "scope": "owner"}},
  {"slug": "no", "deps": ["nothing"], "cache": {"fresh_ms": 60000, "scope": "owner"}}
]');
select count(*) from tests.given_completed('nothing', 'null');
select count(*) from tests.given_completed('zero', '0');
select tests.given_done('{no}');
select tests.given_run('again');
select is((select output from flow_runs where run_id = tests.id('again')), '{"zero": 0, "no": "no"}', 'used again');
select is((select output from flow_steps where run_id = tests.id('again') and step_slug = 'nothing'), 'null', 'null too');
select is((select status from flow_runs where run_id = tests.id('again')), 'completed', 'without a worker');
delete from flow_runs where run_id = tests.id('run');
select is((select count(*) from tidewire.cache), 0::bigint, 'entries go with the run that made them');

select * from finish();
rollback;
