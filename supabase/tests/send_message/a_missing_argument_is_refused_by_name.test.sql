begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');

select is(
  tests.refusal_of($$ select public.send_message(null, tests.message(), 'answer') $$),
  '{"code": "PT400", "detail": "TW001",
    "message": "thread_id must be 1 to 64 of A-Z a-z 0-9 _ -, got ''''"}', 'thread_id'
);
select is(
  tests.refusal_of($$ select public.send_message('thread', null, 'answer') $$) ->> 'message',
  'message must be an object, got nothing', 'message'
);
select is(
  tests.refusal_of($$ select public.send_message('thread', tests.message(), null) $$) ->> 'message',
  'flow null not found', 'flow_slug'
);
select is(
  tests.refusal_of($$ select public.send_message('thread', tests.message(), 'answer',
    null) $$) ->> 'message',
  'on_busy must be reject, queue or cancel, got nothing', 'on_busy'
);

select * from finish();
rollback;
