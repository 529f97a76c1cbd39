begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop as
  select public.send_message('thread', tests.message(), 'answer') as answer;

select is(
  public.send_message('thread', tests.message(), 'answer', 'reject'),
  (select answer || '{"created": false}' from sent), 'reject'
);
select is(
  public.send_message('thread', tests.message(), 'answer', 'queue'),
  (select answer || '{"created": false}' from sent), 'queue'
);
select is(
  public.send_message('thread', tests.message(), 'answer', 'cancel'),
  (select answer || '{"created": false}' from sent), 'cancel does not end the message''s own run'
);
select is((select count(*) from flow_messages), 2::bigint, 'nothing is stored twice');

select * from finish();
rollback;
