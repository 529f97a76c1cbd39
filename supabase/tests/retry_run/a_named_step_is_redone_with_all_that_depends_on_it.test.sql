begin;
select plan(5);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "plan"}, {"slug": "left", "deps": ["plan"]}, {"slug": "right", "deps": ["plan"]},
  {"slug": "join", "deps": ["left", "right"]}
]');
select tests.given_run();
select tests.given_done('{plan,left,right,join}');
select tests.given_signed_in('ada');

select is(
  (public.retry_run(tests.id('run'), 'left', 'left') ->> 'created')::boolean, true,
  'a completed run is redone from a step'
);
select is(
  (public.retry_run(tests.id('run'), 'plan', 'plan') ->> 'created')::boolean, true,
  'and from the first'
);
select is(
  tests.refusal_of($$ select public.retry_run(tests.id('run'), 'nothing') $$),
  '{"code": "PT400", "detail": "TW001", "message": "flow answer has no step ''nothing''"}',
  'a step that the flow lacks is refused'
);
reset role;
select is(
  tests.steps_of((select run_id from flow_runs where idempotency_key = 'left')),
  '{"plan": "completed run", "right": "completed run", "left": "queued", "join": "waiting"}',
  'what does not depend on it is taken over'
);
select is(
  tests.steps_of((select run_id from flow_runs where idempotency_key = 'plan')),
  '{"plan": "queued", "right": "waiting", "left": "waiting", "join": "waiting"}',
  'and nothing when all depends on it'
);

select * from finish();
rollback;
