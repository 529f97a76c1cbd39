begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in('ada');
create temporary table sent on commit drop
  as select (public.send_message('thread', tests.message(), 'answer') ->> 'run_id')::uuid as run_id;
select public.cancel_run(run_id) from sent;
reset role;

select is((select tidewire.maintain() -> 'folded'), '1', 'one');
select is(
  (select status from flow_messages where role = 'assistant'),
  'incomplete',
  'the answer is incomplete'
);
select is((select tidewire.maintain() -> 'folded'), '0', 'once');

select * from finish();
rollback;
