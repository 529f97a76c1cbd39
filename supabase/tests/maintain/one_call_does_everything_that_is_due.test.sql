begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('expired');
select tests.given_run('scheduled');
select tests.given_claim();
select tests.given_failed('write', true, 'scheduled');
select tests.given_clock(statement_timestamp() + interval '10 minutes');
update flow_steps set status = 'scheduled', available_at = tidewire.clock() - interval '1 s'
  where run_id = tests.id('scheduled');

select is(
  tidewire.maintain(),
  '{"rescued": 1, "overdue": 0, "promoted": 1, "turns": 0, "folded": 0, "forgotten": 0, "workers": 0}',
  'the counts'
);
select is(
  (select count(*) from flow_steps where status = 'queued'),
  2::bigint,
  'both steps are ready'
);
select is(
  tidewire.maintain(),
  '{"rescued": 0, "overdue": 0, "promoted": 0, "turns": 0, "folded": 0, "forgotten": 0, "workers": 0}',
  'then nothing is left to do'
);

select * from finish();
rollback;
