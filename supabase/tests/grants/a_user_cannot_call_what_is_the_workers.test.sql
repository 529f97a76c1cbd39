begin;
select plan(5);

select tests.given_running();
select tests.given_signed_in('ada');
select is(
  tests.refusal_of($$ select tidewire.start_run_for(tests.id('ada'), 'answer', '{}') $$) ->> 'code',
  '42501',
  'start_run_for'
);
select is(
  tests.refusal_of($$ select *
    from tidewire.claim_steps(tests.id('worker'), '{default}', '{}', '15 s', 1) $$) ->> 'code',
  '42501',
  'claim_steps'
);
select is(
  tests.refusal_of($$ select tidewire.broadcast('tidewire:run:x', 'chunks', '{}') $$) ->> 'code',
  '42501',
  'broadcast'
);
select is(
  tests.refusal_of($$ select * from tidewire.workers $$) ->> 'code',
  '42501',
  'the worker''s tables'
);
select is(tests.refusal_of($$ select tidewire.uuid_v7() $$) ->> 'code', '42501', 'anything else');

select * from finish();
rollback;
