begin;
select plan(2);

select tests.given_running('[{"slug": "write", "max_attempts": 1, "on_exhausted": "skip_dependents"}, {"slug": "b", "deps": ["write"]}]');
select tests.given_failed();
select is((select array_agg(distinct status) from flow_steps), '{skipped}', 'both are skipped');
select is((select output from flow_runs where status = 'completed'), 'null', 'and the run completes');

select * from finish();
rollback;
