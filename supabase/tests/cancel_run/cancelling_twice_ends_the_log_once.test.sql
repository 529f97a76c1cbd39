begin;
select plan(2);

select tests.given_running();
select tests.given_signed_in('ada');
select public.cancel_run(tests.id('run'));

select is(
  public.cancel_run(tests.id('run')) ->> 'status',
  'cancelled',
  'the second call says cancelled'
);
reset role;
select is(tests.log_of(), array['start', 'data-progress write started', 'abort'], 'one abort');

select * from finish();
rollback;
