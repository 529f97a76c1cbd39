begin;
select plan(2);

select tests.given_running();
select tests.given_signed_in('ada');

select is(
  tests.refusal_of($$ select public.read_log(tests.id('run'), -2) $$),
  '{"code": "PT400", "detail": "TW001", "message": "after must be at least -1, got -2"}', 'refused'
);
select is(public.read_log(tests.id('run'), -1) -> 'next_after', '1', 'the beginning itself is not');

select * from finish();
rollback;
