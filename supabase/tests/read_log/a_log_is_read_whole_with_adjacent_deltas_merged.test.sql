begin;
select plan(4);

select tests.given_running();
select tests.given_chunks(
  '[{"type": "text-start", "id": "w.1"}, {"type": "text-delta", "id": "w.1", "delta": "Hel"}]'
);
select tests.given_chunks(
  '[{"type": "text-delta", "id": "w.1", "delta": "lo"},
    {"type": "text-delta", "id": "w.2", "delta": "!"}]'
);
select tests.given_signed_in('ada');

select is(
  (
    select jsonb_agg(jsonb_build_array(e -> 'first_index', e -> 'index', e -> 'chunk' ->> 'type',
      e -> 'chunk' -> 'delta'))
    from jsonb_array_elements(public.read_log(tests.id('run')) -> 'entries') e
  ),
  '[[0, 0, "start", null], [1, 1, "data-progress", null], [2, 2, "text-start", null],
    [3, 4, "text-delta", "Hello"], [5, 5, "text-delta", "!"]]',
  'deltas of one part are one entry, those of another are not'
);
select is(
  public.read_log(tests.id('run')) - 'entries',
  '{"next_after": 5, "head": 5, "status": "running", "waiting_for": [], "lease_live": true,
    "purged": false}',
  'what else a reader needs'
);
select is(
  public.read_log(tests.id('run'), 3) -> 'entries' -> 0,
  '{"index": 4, "first_index": 4, "chunk": {"type": "text-delta", "id": "w.1", "delta": "lo"}}',
  'after a cursor inside them comes the rest'
);
select is(
  public.read_log(tests.id('run'), 5) -> 'entries', '[]', 'after the head comes nothing'
);

select * from finish();
rollback;
