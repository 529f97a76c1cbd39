begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.send_message('thread', tests.message(), 'answer');

select is(
  tests.refusal_of($$ select public.send_message('thread', tests.message('question', 'Other'),
    'answer', 'cancel') $$),
  '{"code": "PT409", "detail": "TW004",
    "message": "message question was sent before with other parts"}',
  'other parts'
);
select is(
  tests.refusal_of($$ select public.send_message(
    'thread', tests.message((select run_id::text from flow_runs)), 'answer',
    'queue') $$) ->> 'detail',
  'TW004', 'the id of an answer'
);
select is(
  (public.send_message('elsewhere', tests.message('question', 'Other'),
    'answer') ->> 'created')::boolean,
  true, 'an id belongs to one thread'
);
select is(
  (select status from flow_runs order by created_at limit 1),
  'queued',
  'the refusal cancelled nothing'
);

select * from finish();
rollback;
