begin;
select plan(2);

select tests.given_running('[{"slug": "write"}]');
select tests.given_clock(now());
select tests.given_failed();
update flow_steps set available_at = now() + interval '1 minute', status = 'scheduled';
select tests.given_signed_in('ada');

select is(
  public.read_log(tests.id('run')) - 'entries' - 'next_after' - 'head',
  '{"status": "running", "waiting_for": ["write"], "lease_live": false, "purged": false}',
  'a step that will be tried again'
);
select public.cancel_run(tests.id('run'));
select is(
  public.read_log(tests.id('run')) -> 'waiting_for',
  '[]',
  'an ended run waits for nothing'
);

select * from finish();
rollback;
