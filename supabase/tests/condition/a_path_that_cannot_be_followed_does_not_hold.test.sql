begin;
select plan(4);

-- Comparing a date with a time that has a zone is an error that no silent mode suppresses.
select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "fetch", "max_attempts": 1, "on_exhausted": "skip"},
  {"slug": "late", "deps": ["fetch"], "when": "$.input.at.datetime() < \"2026-01-01T00:00:00+00\".datetime()"}
]');
select tests.given_run(p_input => '{"at": "soon"}');
select tests.given_run('dated', p_input => '{"at": "2025-06-01"}');
select count(*) from tests.given_claim();
update flow_steps set lease_expires_at = clock_timestamp() - interval '1 s' where status = 'running';
select lives_ok('select tidewire.rescue_expired_steps(10)', 'no path keeps steps from being rescued');
select is((select count(*) from flow_steps where status = 'running'), 0::bigint, 'all are rescued');
select is(
  (select status from flow_steps where run_id = tests.id('run') and step_slug = 'late'), 'skipped',
  'what is no date does not hold');
select is(
  (select status from flow_steps where run_id = tests.id('dated') and step_slug = 'late'), 'queued',
  'a date is compared with a time that has a zone');

select * from finish();
rollback;
