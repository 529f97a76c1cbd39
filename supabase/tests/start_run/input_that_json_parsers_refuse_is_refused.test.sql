begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');

select throws_matching(
  $$ select public.start_run('answer', '{"n": 1e400}') $$,
  'number beyond 1.7e308',
  'a number that no double holds'
);
select throws_matching(
  $$ select public.start_run('answer', (repeat('[', 200) || repeat(']', 200))::jsonb) $$,
  'at most 100 levels',
  'nesting that parsers give up on'
);
select lives_ok(
  $$ select public.start_run('answer', (repeat('[', 100) || repeat(']', 100))::jsonb) $$,
  'a hundred levels'
);
select lives_ok(
  $$ select public.start_run('answer', pg_catalog.jsonb_build_object('t', repeat('9', 400))) $$,
  'many digits as text'
);

select * from finish();
rollback;
