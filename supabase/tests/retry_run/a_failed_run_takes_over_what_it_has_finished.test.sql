begin;
select plan(6);

select tests.given_failed_diamond();
create temporary table before on commit drop as
  select r as run, (select array_agg(s order by s.step_slug) from flow_steps s) as steps
  from flow_runs r;
select tests.given_signed_in('ada');
create temporary table retried on commit drop as
  select public.retry_run(tests.id('run')) as answer;
reset role;

select is(
  (select answer - 'run_id' - 'message_id' from retried), '{"status": "queued", "created": true}',
  'the answer'
);
select is(
  tests.steps_of((select (answer ->> 'run_id')::uuid from retried)),
  '{"plan": "completed run", "left": "completed run", "right": "queued", "join": "waiting"}',
  'what was completed is taken over'
);
select results_eq(
  $$ select r.origin_run_id, r.user_id, r.input, r.priority, r.remaining_steps
    from flow_runs r, retried where r.run_id::text = answer ->> 'run_id' $$,
  $$ values (tests.id('run'), tests.id('ada'), '{"q": 1}'::jsonb, 5, 2) $$,
  'the new run is the owner''s, with the same input and priority, and has two steps to go'
);
select is(
  tests.log_of((select (answer ->> 'run_id')::uuid from retried)),
  '{start,data-progress plan completed,data-plan plan,data-progress left completed}',
  'its log begins with what it took over, and shows published data again'
);
select is(
  (
    select c.chunk_data -> 'data' ->> 'reused' from streaming_chunks c, retried
    where c.run_id::text = answer ->> 'run_id' and c.chunk_index = 1
  ),
  'run', 'and says that it was taken over'
);
select results_eq(
  $$ select r, (select array_agg(s order by s.step_slug) from flow_steps s where s.run_id = r.run_id)
    from flow_runs r where r.run_id = tests.id('run') $$,
  $$ select run, steps from before $$,
  'the origin stays as it is'
);

select * from finish();
rollback;
