begin;
select plan(3);

select tests.given_running();

select results_eq(
  $$ select a.answer, a.detail ->> 'reason' from (values
      (1, '[]'::jsonb), (2, '{}'), (3, '["text"]'), (4, '[{"id": "x"}]'),
      (5, '[{"type": "finish"}]'), (6, '[{"type": "start"}]'),
      (7, '[{"type": "error"}]'), (8, '[{"type": "abort"}]')) c (nth, chunks),
    lateral tidewire.append_chunks('15 s', tests.given_append(chunks)) a order by nth $$,
  $$ values ('invalid', 'chunks must be a list of at least one chunk, got []'),
    ('invalid', 'chunks must be a list of at least one chunk, got {}'),
    ('invalid', 'chunk must be an object with a type, got "text"'),
    ('invalid', 'chunk must be an object with a type, got {"id": "x"}'),
    ('invalid', 'chunk type must not be finish, which the database writes'),
    ('invalid', 'chunk type must not be start, which the database writes'),
    ('invalid', 'chunk type must not be error, which the database writes'),
    ('invalid', 'chunk type must not be abort, which the database writes') $$,
  'the reason says which'
);
select is(
  (select answer
    from tidewire.append_chunks('15 s', tests.given_lease('write', '{"first_sequence": 0}'))),
    'invalid', 'no chunks at all'
);
select is((select last_sequence from flow_steps), 0::bigint, 'nothing was counted');

select * from finish();
rollback;
