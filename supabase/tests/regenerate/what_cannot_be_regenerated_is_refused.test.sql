begin;
select plan(4);

select tests.given_user();
select tests.given_user('bob');
select tests.given_worker();
select tests.given_flow('[{"slug": "work"}]', 'silent');
select tests.given_flow('[{"slug": "write", "stream": true}]');
select tests.given_run('silent', 'silent');
select tests.given_done('{work}', 'silent');
select tests.given_run();
select tests.given_run('done');
select tests.given_done('{write}', 'done');

select tests.given_signed_in('ada');
select is(
  tests.refusal_of($$ select public.regenerate(tests.id('silent')) $$),
  '{"code": "PT400", "detail": "TW001", "message": "flow silent has no step that streams"}',
  'a flow in which nothing streams is refused'
);
select is(
  tests.refusal_of($$ select public.regenerate(tests.id('run')) $$) ->> 'detail', 'TW005',
  'so is an active run'
);
reset role;
select tests.given_signed_in('bob');
select is(
  tests.refusal_of($$ select public.regenerate(tests.id('done')) $$) ->> 'detail', 'TW003',
  'somebody else''s is not found'
);
reset role;
select is(
  (tidewire.regenerate_for(tests.id('done')) ->> 'created')::boolean, true,
  'trusted code may regenerate any run'
);

select * from finish();
rollback;
