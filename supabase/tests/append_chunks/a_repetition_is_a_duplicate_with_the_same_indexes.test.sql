begin;
select plan(3);

select tests.given_running();
create temporary table request on commit drop as
  select tests.given_append('[{"type": "text-start", "id": "write.1"},
    {"type": "text-delta", "id": "write.1", "delta": "Hi"}]') as appends;
select tidewire.append_chunks('15 s', appends) from request;

select results_eq(
  $$ select a.answer, a.detail from request, tidewire.append_chunks('15 s', appends) a $$,
  $$ values ('duplicate', '{"first_index": 2}'::jsonb) $$, 'the answer of the first time'
);
select is((select count(*) from streaming_chunks), 4::bigint, 'nothing was written twice');
delete from streaming_chunks where chunk_index between 2 and 3;
insert into streaming_chunks (run_id, chunk_index, first_index, delta_ends, chunk_data)
values (tests.id('run'), 3, 2, '{0,2}', '{"type": "text-delta", "id": "write.1", "delta": "Hi"}');
select results_eq(
  $$ select a.answer, a.detail from request, tidewire.append_chunks('15 s', appends) a $$,
  $$ values ('duplicate', '{"first_index": 2}'::jsonb) $$, 'also after compaction'
);

select * from finish();
rollback;
