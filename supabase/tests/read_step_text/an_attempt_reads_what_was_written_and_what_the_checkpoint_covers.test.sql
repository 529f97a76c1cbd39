begin;
select plan(2);

select tests.given_running();
select tidewire.save_checkpoint('15 s', tests.given_append(
  '[{"type": "text-start", "id": "w.1"}, {"type": "text-delta", "id": "w.1", "delta": "one"},
    {"type": "text-end", "id": "w.1"},
    {"type": "text-start", "id": "w.2"}, {"type": "text-delta", "id": "w.2",
    "delta": "tw"}]', p_more => '{"data": {}}'));
select tests.given_chunks(
  '[{"type": "text-delta", "id": "w.2", "delta": "o"}, {"type": "reasoning-start", "id": "w.3"}]'
);

select is(
  tidewire.read_step_text(tests.id('run'), 'write', -1, 1) -> 'parts',
  '{"w.1": {"type": "text", "text": "one", "text_at_checkpoint": "one", "open": false,
    "reset": false},
    "w.2": {"type": "text", "text": "two", "text_at_checkpoint": "tw", "open": true,
    "reset": false},
    "w.3": {"type": "reasoning", "text": "", "text_at_checkpoint": "", "open": true,
    "reset": false}}',
  'part by part'
);
select tests.given_chunks('[{"type": "data-reset", "data": {"parts": ["w.2"]}}]');
select is(
  tidewire.read_step_text(tests.id('run'), 'write', null, 1) #> '{parts,w.2,reset}', 'true',
  'a reset part says so'
);

select * from finish();
rollback;
