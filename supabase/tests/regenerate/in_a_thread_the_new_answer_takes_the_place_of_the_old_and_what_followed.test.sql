begin;
select plan(9);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "stream": true}]');
create function pg_temp.finish (p_run uuid) returns void language plpgsql as $$
begin
  perform tests.given_claim();
  perform tidewire.complete_steps(
    tests.id('worker'),
    (
      select jsonb_agg(jsonb_build_object(
        'run_id', run_id, 'step_slug', step_slug, 'lease_token', lease_token, 'output', 1
      ))
      from public.flow_steps where run_id = p_run
    ),
    '15 s', '{}', '{}', 0
  );
end
$$;
create temporary table made (name text, run_id uuid) on commit drop;
grant all on made to authenticated;
select tests.given_signed_in('ada');
insert into made select 'first', (public.send_message('thread', tests.message('q1'), 'answer') ->> 'run_id')::uuid;
select is(
  tests.refusal_of($$ select public.regenerate((select run_id from made)) $$) ->> 'detail', 'TW005',
  'an answer that is being written is refused'
);
reset role;
select pg_temp.finish(run_id) from made;
select tests.given_signed_in('ada');
insert into made select 'second', (public.send_message('thread', tests.message('q2'), 'answer') ->> 'run_id')::uuid;
select is(
  tests.refusal_of($$ select public.regenerate(run_id) from made where name = 'first' $$)
    ->> 'message',
  (select format('thread thread has the active run %s', run_id) from made where name = 'second'),
  'so is one in a thread with an active run'
);
reset role;
select pg_temp.finish(run_id) from made where name = 'second';
select tests.given_signed_in('ada');
insert into made select 'again', (public.regenerate(run_id, null, 'key') ->> 'run_id')::uuid
from made where name = 'first';

select results_eq(
  $$ select m.message_id, m.role, m.status, m.superseded_by from flow_messages m order by position $$,
  $$ select x.message_id, x.role, x.status, x.superseded_by
    from (select max(run_id::text) filter (where name = 'first') as first,
        max(run_id::text) filter (where name = 'second') as second,
        max(run_id::text) filter (where name = 'again') as again from made) n,
    lateral (values ('q1', 'user', 'complete', null), (n.first, 'assistant', 'complete', n.again),
      ('q2', 'user', 'complete', n.again), (n.second, 'assistant', 'complete', n.again),
      (n.again, 'assistant', 'streaming', null)) x (message_id, role, status, superseded_by) $$,
  'the old answer and all after it are superseded'
);
select is(
  (select active_run_id from flow_threads), (select run_id from made where name = 'again'),
  'the thread has the new run'
);
select is(
  (public.regenerate((select run_id from made where name = 'first'), null, 'key') ->> 'run_id')::uuid,
  (select run_id from made where name = 'again'), 'the same key returns it while it is active'
);
reset role;
select is(
  (
    select jsonb_path_query_array(tidewire.thread_messages(run_id), '$[*].id')
    from made where name = 'again'
  ),
  '["q1"]', 'the new run answers the same conversation'
);
select pg_temp.finish(run_id) from made where name = 'again';
select tidewire.fold_messages();
select is(
  (select m.status from flow_messages m join made on message_id = made.run_id::text
    where name = 'again'),
  'complete', 'and its answer is folded'
);
select is(
  tests.refusal_of($$ select tidewire.regenerate_for(run_id) from made where name = 'second' $$)
    ->> 'detail',
  'TW001', 'an answer whose question was superseded is refused'
);
select is(
  (tidewire.retry_run_for((select run_id from made where name = 'first'), 'write') ->> 'created')
    ::boolean,
  true, 'the first answer can be done again once more'
);

select * from finish();
rollback;
