begin;
select plan(3);

select tests.given_running();
create temporary table request on commit drop as select tests.given_lease('write', '{"output": 1}')
  as items;
select tidewire.complete_steps(tests.id('worker'), items, '15 s', '{}', '{}', 0) from request;

select results_eq(
  $$ select a.ordinal, a.answer from request,
    tidewire.complete_steps(tests.id('worker'), items || items, '15 s', '{}', '{}', 0) a
    order by 1 $$,
  $$ values (0, 'duplicate'), (1, 'duplicate') $$, 'however often'
);
select is((select output from flow_steps), '1', 'the output is the first');
select is(
  (select count(*) from streaming_chunks where chunk_data ->> 'type' = 'finish'),
  1::bigint,
  'finish is written once'
);

select * from finish();
rollback;
