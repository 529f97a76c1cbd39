begin;
select plan(3);

select tests.given_running();
select tests.given_completed();
delete from streaming_chunks;
update flow_runs set purged_at = now();
select tests.given_signed_in('ada');

select is(public.read_log(tests.id('run')) -> 'purged', 'true', 'the flag');
select is(public.read_log(tests.id('run')) -> 'entries', '[]', 'no entries');
select is(
  public.read_log(tests.id('run')) -> 'next_after', public.read_log(tests.id('run')) -> 'head',
  'a reader that pages until the head comes to an end'
);

select * from finish();
rollback;
