begin;
select plan(2);

select tests.given_running();
select tests.given_chunks(
  '[{"type": "text-start", "id": "w.1"}, {"type": "text-delta", "id": "w.1", "delta": "one"}]'
);

select is(
  tidewire.read_step_text(tests.id('run'), 'write', -1, 1) #> '{parts,w.1,text_at_checkpoint}',
  'null', 'null'
);
select is(
  tidewire.read_step_text(tests.id('run'), 'write', -1, 1) #>> '{parts,w.1,text}',
  'one',
  'the text is there'
);

select * from finish();
rollback;
