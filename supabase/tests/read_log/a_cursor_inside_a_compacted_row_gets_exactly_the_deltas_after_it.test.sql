begin;
select plan(3);

select tests.given_running();
delete from streaming_chunks;
insert into streaming_chunks (run_id, chunk_index, first_index, delta_ends, chunk_data)
values
  (tests.id('run'), 0, 0, null, '{"type": "start"}'),
  (tests.id('run'), 4, 1, '{2,3,3,6}', '{"type": "text-delta", "id": "w.1", "delta": "ab😀漢🏴x"}'),
  (tests.id('run'), 5, 5, null, '{"type": "finish"}');
update flow_runs set next_index = 6;
select tests.given_signed_in('ada');

select results_eq(
  $$ select cursor, e ->> 'first_index', e -> 'chunk' ->> 'delta'
    from generate_series(0, 4) cursor
    left join lateral (select public.read_log(tests.id('run'), cursor) -> 'entries' -> 0
      as e) r on e ->> 'index' = '4' $$,
  $$ values (0, '1', 'ab😀漢🏴x'), (1, '2', '😀漢🏴x'), (2, '3', '漢🏴x'), (3, '4', '漢🏴x'),
    (4, null, null) $$,
  'counted in code points, an empty delta included'
);
select is(
  public.read_log(tests.id('run'), 2) -> 'entries' -> 0 -> 'index', '4',
  'the entry keeps the row''s index'
);
select is(
  public.read_log(tests.id('run'), 4) -> 'entries' -> 0 -> 'chunk', '{"type": "finish"}',
  'at its end comes the next row'
);

select * from finish();
rollback;
