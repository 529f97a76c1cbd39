begin;
select plan(2);

select tests.given_running();
select tests.given_signed_in('ada');

select ok(
  coalesce(tests.refusal_of($$ select public.read_log(tests.id('run'), null) $$) ->> 'code',
    '') = 'PT400'
    or jsonb_array_length(public.read_log(tests.id('run'), null) -> 'entries') = 2,
  'a null cursor is refused or reads from the beginning'
);
select is(
  jsonb_array_length(public.read_log(tests.id('run'), -1, null) -> 'entries') > 0, true,
  'a null size still brings a row'
);

select * from finish();
rollback;
