begin;
select plan(3);

select tests.given_running('[
  {"slug": "write", "max_attempts": 1, "on_exhausted": "skip", "stream": true},
  {"slug": "sum", "deps": ["write"]}
]');
select count(*) from tests.given_chunks('[{"type": "text-start", "id": "write.1"}]');
update flow_steps set lease_expires_at = clock_timestamp() - interval '1 s' where status = 'running';
select is((select answer from tidewire.rescue_expired_steps(10) where answer <> 'logged'), 'skipped', 'it is skipped');
select is((select status from flow_steps where step_slug = 'sum'), 'queued', 'the run goes on');
select is(tests.log_of(), '{start,data-progress write started,text-start write.1,text-end write.1,data-progress write skipped}', 'and its part is closed');

select * from finish();
rollback;
