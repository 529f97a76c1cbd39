begin;
select plan(2);

select tests.given_running();
create temporary table request on commit drop as
  select tests.given_append('[{"type": "text-start", "id": "write.1"}]',
    p_more => '{"data": {"n": 1}}') as items;
select tidewire.save_checkpoint('15 s', items) from request;

select results_eq(
  $$ select a.answer, a.detail from request, tidewire.save_checkpoint('15 s', items) a $$,
  $$ values ('saved', '{"index": 2, "first_index": 2}'::jsonb) $$, 'the answer of the first time'
);
select is((select count(*) from streaming_chunks), 3::bigint, 'one chunk');

select * from finish();
rollback;
