begin;
select plan(4);

select tests.given_running('[{"slug": "write", "stream": true, "max_attempts": 1, "on_exhausted": "skip"}, {"slug": "b", "deps": ["write"]}]');
select tests.given_chunks('[{"type": "text-start", "id": "w.1"}]');
select is((select answer from tests.given_failed() where ordinal = 0), 'skipped', 'skipped');
select is((tests.log_of())[4:5], array['text-end w.1', 'data-progress write skipped'], 'its part ends before');
select is((select error from flow_steps where step_slug = 'write'), 'Traceback: secret', 'the row keeps the error');
select is((select status from flow_steps where step_slug = 'b'), 'queued', 'the dependent goes on');

select * from finish();
rollback;
