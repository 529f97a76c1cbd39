begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "a"}, {"slug": "b", "over": "input"}, {"slug": "c", "delay_ms": 1000}]');
select tests.given_clock('2030-01-01 12:00:00+00');
select tidewire.start_run_for(tests.id('ada'), 'answer', '[1]', tests.id('run'), p_start_at => '2030-01-02 12:00:00+00');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 0::bigint, 'nothing is claimed before');
select is((select deadline_at from flow_runs), '2030-01-03 12:00:00+00'::timestamptz, 'the deadline counts from then');
select tests.given_clock('2030-01-02 12:00:02+00');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 3::bigint, 'all of it then');
select is((tests.refusal_of($$select tidewire.start_run_for(tests.id('ada'), 'answer', '{}', p_start_at => '2032-01-01')$$)) ->> 'detail', 'TW001', 'beyond a year is refused');

select * from finish();
rollback;
