begin;
select plan(2);

select tests.given_running();
select tests.given_signed_in('ada');

select is(
  public.read_log(tests.id('run'), 100) -> 'next_after', '1',
  'so that a reader of a restored database starts again'
);
select is(public.read_log(tests.id('run'), 100) -> 'entries', '[]', 'without entries');

select * from finish();
rollback;
