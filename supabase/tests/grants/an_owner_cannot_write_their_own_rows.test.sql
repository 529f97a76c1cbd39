begin;
select plan(4);

select tests.given_running();
select tests.given_signed_in('ada');
select is(
  tests.refusal_of($$ update public.flow_runs set status = 'cancelled',
    finished_at = now() $$) ->> 'code',
  '42501',
  'update'
);
select is(tests.refusal_of($$ delete from public.flow_runs $$) ->> 'code', '42501', 'delete');
select is(
  tests.refusal_of($$ insert into public.streaming_chunks (run_id, chunk_index, first_index,
    chunk_data) values (tests.id('run'), 9, 9, '{"type": "x"}') $$) ->> 'code', '42501', 'insert'
);
select is(tests.refusal_of($$ truncate public.flow_messages $$) ->> 'code', '42501', 'truncate');

select * from finish();
rollback;
