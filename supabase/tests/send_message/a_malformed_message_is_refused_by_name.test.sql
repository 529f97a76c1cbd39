begin;
select plan(5);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');

select is(
  tests.refusal_of($$ select public.send_message('thread', '"hi"', 'answer') $$),
  '{"code": "PT400", "detail": "TW001", "message": "message must be an object, got string"}',
  'not an object'
);
select is(
  tests.refusal_of($$ select public.send_message('thread',
    '{"id": "a b", "role": "user", "parts": [{}]}', 'answer') $$),
  '{"code": "PT400", "detail": "TW001",
    "message": "message.id must be 1 to 64 of A-Z a-z 0-9 _ -, got a b"}', 'id'
);
select is(
  tests.refusal_of($$ select public.send_message('thread',
    '{"id": "a", "role": "system", "parts": [{}]}', 'answer') $$),
  '{"code": "PT400", "detail": "TW001", "message": "message.role must be user, got system"}', 'role'
);
select is(
  tests.refusal_of($$ select public.send_message('thread',
    '{"id": "a", "role": "user", "parts": []}', 'answer') $$),
  '{"code": "PT400", "detail": "TW001",
    "message": "message.parts must be a list of at least one part, got []"}', 'parts'
);
select is(
  tests.refusal_of($$ select public.send_message('thread', tests.message(), 'answer', 'wait') $$),
  '{"code": "PT400", "detail": "TW001",
    "message": "on_busy must be reject, queue or cancel, got wait"}', 'on_busy'
);

select * from finish();
rollback;
