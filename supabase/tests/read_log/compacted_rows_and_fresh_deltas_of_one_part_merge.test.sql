begin;
select plan(2);

select tests.given_running();
insert into streaming_chunks (run_id, chunk_index, first_index, delta_ends, chunk_data)
values
  (tests.id('run'), 3, 2, '{1,2}', '{"type": "text-delta", "id": "w.1", "delta": "ab"}'),
  (tests.id('run'), 4, 4, null, '{"type": "text-delta", "id": "w.1", "delta": "c"}'),
  (tests.id('run'), 6, 5, '{1,2}', '{"type": "reasoning-delta", "id": "w.1", "delta": "de"}');
update flow_runs set next_index = 7;
select tests.given_signed_in('ada');

select is(
  public.read_log(tests.id('run'), 2) -> 'entries',
  '[{"index": 4, "first_index": 3, "chunk": {"type": "text-delta", "id": "w.1", "delta": "bc"}},
    {"index": 6, "first_index": 5, "chunk": {"type": "reasoning-delta", "id": "w.1",
    "delta": "de"}}]',
  'up to where the part or its kind changes'
);
select is(
  public.read_log(tests.id('run'), 5) -> 'entries' -> 0 -> 'first_index',
  '6',
  'from inside the last one'
);

select * from finish();
rollback;
