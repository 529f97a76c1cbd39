begin;
select plan(2);

select tests.given_running('[{"slug": "write", "backoff_base_ms": 0, "backoff_cap_ms": 0}]');
select tests.given_chunks('[{"type": "text-start", "id": "w.1"}]');
select tests.given_failed();

select is(
  (select open_parts from flow_steps),
  '[{"type": "text", "id": "w.1"}]',
  'a retry goes on inside them'
);
select tests.given_signed_in('ada');
select public.cancel_run(tests.id('run'));
reset role;
select is(
  (tests.log_of())[5:],
  array['text-end w.1', 'abort'],
  'the end of the run closes them while no attempt runs'
);

select * from finish();
rollback;
