begin;
select plan(4);

select tests.given_running();
create temporary table request on commit drop as
  select tests.given_append('[{"type": "text-start", "id": "w.1"},
    {"type": "text-delta", "id": "w.1", "delta": "x"}]', p_more => '{"output": 1}') as items;

select results_eq(
  $$ select a.answer, a.detail -> 'first_index', jsonb_array_length(a.detail -> 'chunks')
    from request, tidewire.complete_steps(tests.id('worker'), items, '15 s', '{}', '{}', 0) a $$,
  $$ values ('completed', null::jsonb, null::integer), ('logged', '2', 5) $$,
  'the log row says where, and holds them'
);
select is(
  (tests.log_of())[3:],
  array['text-start w.1', 'text-delta w.1', 'text-end w.1', 'data-progress write completed',
    'finish'], 'a part they open is closed'
);
select results_eq(
  $$ select a.answer from request,
    tidewire.complete_steps(tests.id('worker'), items, '15 s', '{}', '{}', 0) a
    where ordinal = 0 $$,
  $$ values ('duplicate') $$, 'a repetition is a duplicate'
);
select is(cardinality(tests.log_of()), 7, 'and writes nothing');

select * from finish();
rollback;
