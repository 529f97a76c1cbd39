begin;
select plan(4);

select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]', 'internal', '{"access": "service"}');

select is(
  (tidewire.start_run_for(null, 'internal', '{}', tests.id('run')) ->> 'created')::boolean,
  true, 'trusted code starts what users may not'
);
select results_eq(
  $$ select user_id from flow_runs where run_id = tests.id('run') $$,
  $$ values (null::uuid) $$, 'it belongs to nobody'
);
select is(
  tests.refusal_of($$ select tidewire.start_run_for(null, 'internal', '{}', null, 'thread') $$),
  '{"code": "PT400", "detail": "TW001", "message": "thread_id must come with a user, got none"}',
  'a thread needs an owner'
);
select is(
  (tidewire.start_run_for(null, 'internal', '{}', null, null, 'key')
    || tidewire.start_run_for(null, 'internal', '{}', null, null, 'key') ->> 'created')::boolean,
  false, 'its keys are idempotent too'
);

select * from finish();
rollback;
