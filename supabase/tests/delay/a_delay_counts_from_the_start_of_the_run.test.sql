begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "delay_ms": 3600000}]');
select tests.given_clock('2026-01-01T00:00:00Z');
select tidewire.start_run_for(tests.id('ada'), 'answer', '{}', tests.id('run'), p_start_at => '2026-01-02T00:00:00Z');
select is((select available_at from flow_steps), '2026-01-02T01:00:00Z', 'an hour after the start');
select is((select deadline_at from flow_runs), '2026-01-03T00:00:00Z', 'the deadline counts from the start too');

select * from finish();
rollback;
