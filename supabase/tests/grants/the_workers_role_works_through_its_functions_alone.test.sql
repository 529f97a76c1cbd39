begin;
select plan(5);

select tests.given_running();
-- The role sees pgTAP for this transaction.
grant usage on schema extensions to tidewire_worker;
select set_config('role', 'tidewire_worker', true);
select is(
  tests.refusal_of($$ update public.flow_steps set status = 'queued' $$) ->> 'code',
  '42501',
  'it writes no table'
);
select is(
  tests.refusal_of($$ select tidewire.settle_runs('{}', '{}') $$) ->> 'code',
  '42501',
  'it calls no inner function'
);
select is(
  (select answer from tests.given_chunks('[{"type": "text-start", "id": "w.1"}]')),
  'appended',
  'it appends'
);
select is(
  (select array_agg(answer) from tests.given_completed()),
  '{completed,logged}',
  'it completes'
);
select isnt(tidewire.maintain(), null, 'it maintains');

select * from finish();
rollback;
