begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');

select is(
  (public.start_run('answer', to_jsonb(repeat('x', 1048574))) ->> 'created')::boolean,
  true, 'the limit itself is allowed'
);
select is(
  tests.refusal_of($$ select public.start_run('answer', to_jsonb(repeat('x', 1048575))) $$),
  '{"code": "PT413", "detail": "TW006",
    "message": "input must be at most 1048576 bytes, got 1048577"}',
  'one byte more is refused'
);
reset role;
select is((select count(*) from flow_runs), 1::bigint, 'nothing remains of it');

select * from finish();
rollback;
