begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');

select is(
  tests.refusal_of($$ select public.send_message('thread',
    tests.message('long', repeat('x', 1048576)), 'answer') $$)
    - 'message',
  '{"code": "PT413", "detail": "TW006"}', 'refused'
);
select is((select count(*) from flow_threads), 0::bigint, 'no thread remains');
select is((select count(*) from flow_messages), 0::bigint, 'no message remains');

select * from finish();
rollback;
