begin;
select plan(2);

select tests.given_running();
select tests.given_chunks(
  jsonb_build_array(jsonb_build_object('type', 'text-delta', 'id', 'w.1', 'delta',
    repeat('x', 5000)))
);
select tests.given_signed_in('ada');

select is(public.read_log(tests.id('run'), 1, 10) -> 'next_after', '2', 'it comes whole');
select is(public.read_log(tests.id('run'), 1, 0) -> 'next_after', '2', 'even to a page of no size');

select * from finish();
rollback;
