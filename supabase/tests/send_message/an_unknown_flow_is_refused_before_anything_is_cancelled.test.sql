begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
select public.send_message('thread', tests.message('first'), 'answer');

select is(
  tests.refusal_of($$ select public.send_message('thread', tests.message('second'), 'nothing',
    'cancel') $$),
  '{"code": "PT404", "detail": "TW003", "message": "flow ''nothing'' not found"}', 'not found'
);
select is((select status from flow_runs), 'queued', 'the active run goes on');

select * from finish();
rollback;
