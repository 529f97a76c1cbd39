-- What the tests in supabase/tests arrange and look at. Nothing of the product lives here.
--
-- tests.given_… brings about a state and may be called in any test's transaction. Ids follow from
-- names, so that a test can say tests.id('run') without keeping an answer.

create schema if not exists tests;
grant usage on schema tests to anon, authenticated, service_role, tidewire_worker;

-- The id of whatever a test calls p_name: a user, a worker or a run.
create or replace function tests.id (
  p_name text
)
  returns uuid
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.md5(p_name)::uuid
$$;

create or replace function tests.given_user (
  p_name text default 'ada'
)
  returns void
  language sql
  volatile
  set search_path = ''
as $$
  insert into auth.users (id, email) values (tests.id(p_name), p_name || '@example.com')
$$;

create or replace function tests.given_worker (
  p_name text default 'worker'
)
  returns void
  language sql
  volatile
  set search_path = ''
as $$
  select tidewire.register_worker(
    tests.id(p_name),
    pg_catalog.jsonb_build_object(
      'name', p_name, 'pid', 1, 'host', 'tests', 'queues', '["default"]'::jsonb
    )
  )
$$;

-- A definition with every setting: what p_steps and p_more leave out gets a plain value.
create or replace function tests.definition (
  p_steps jsonb,
  p_slug text default 'answer',
  p_more jsonb default '{}'
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
    'slug', p_slug, 'label', '1', 'access', 'authenticated', 'timeout_ms', 86400000,
    'input_schema', null,
    'steps', (
      select pg_catalog.jsonb_agg(
        '{
          "deps": [], "max_attempts": 3, "timeout_ms": 600000, "backoff_base_ms": 1000,
          "backoff_cap_ms": 60000
        }'
          || s.value
        order by s.ordinality
      )
      from pg_catalog.jsonb_array_elements(p_steps) with ordinality s
    )
  ) || p_more
$$;

-- Registers a flow that the worker called worker serves; returns its version.
create or replace function tests.given_flow (
  p_steps jsonb,
  p_slug text default 'answer',
  p_more jsonb default '{}'
)
  returns text
  language sql
  volatile
  set search_path = ''
as $$
  select tidewire.register_flow(tests.id('worker'), tests.definition(p_steps, p_slug, p_more))
$$;

-- Starts a run with the id that its name stands for.
create or replace function tests.given_run (
  p_name text default 'run',
  p_flow text default 'answer',
  p_owner uuid default tests.id('ada'),
  p_thread text default null,
  p_input jsonb default '{}',
  p_priority integer default 0
)
  returns void
  language sql
  volatile
  set search_path = ''
as $$
  select tidewire.start_run_for(
    p_owner, p_flow, p_input, tests.id(p_name), p_thread, null, p_priority
  )
$$;

-- Claims ready steps of every version for a worker.
create or replace function tests.given_claim (
  p_quantity integer default 10,
  p_worker text default 'worker',
  p_lease interval default '15 s',
  p_queues text[] default '{default}'
)
  returns setof tidewire.answer
  language sql
  volatile
  set search_path = ''
as $$
  select *
  from tidewire.claim_steps(
    tests.id(p_worker), p_queues,
    array(select v.flow_version from tidewire.flow_versions v), p_lease, p_quantity
  )
$$;

-- A signed-up user, a worker, a flow, a run, and its first steps under lease.
create or replace function tests.given_running (
  p_steps jsonb default '[{"slug": "write", "stream": true}]',
  p_more jsonb default '{}'
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform tests.given_user();
  perform tests.given_worker();
  perform tests.given_flow(p_steps, 'answer', p_more);
  perform tests.given_run();
  perform tests.given_claim();
end
$$;

-- A request of one item: the step's key and present lease token, and what p_more adds or replaces.
create or replace function tests.given_lease (
  p_step text default 'write',
  p_more jsonb default '{}',
  p_run text default 'run'
)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select pg_catalog.jsonb_build_array(
    pg_catalog.jsonb_build_object(
      'run_id', tests.id(p_run), 'step_slug', p_step,
      'lease_token', (
        select s.lease_token
        from public.flow_steps s
        where s.run_id = tests.id(p_run) and s.step_slug = p_step and s.item_index = -1
      )
    ) || p_more
  )
$$;

-- The same with chunks that come next in the step's sequence.
create or replace function tests.given_append (
  p_chunks jsonb,
  p_step text default 'write',
  p_run text default 'run',
  p_more jsonb default '{}'
)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select tests.given_lease(
    p_step,
    pg_catalog.jsonb_build_object(
      'chunks', p_chunks,
      'first_sequence', (
        select s.last_sequence
        from public.flow_steps s
        where s.run_id = tests.id(p_run) and s.step_slug = p_step and s.item_index = -1
      )
    ) || p_more,
    p_run
  )
$$;

-- Chunks of a step in the log.
create or replace function tests.given_chunks (
  p_chunks jsonb,
  p_step text default 'write',
  p_run text default 'run'
)
  returns setof tidewire.answer
  language sql
  volatile
  set search_path = ''
as $$
  select * from tidewire.append_chunks('15 s', tests.given_append(p_chunks, p_step, p_run))
$$;

-- Completes a step and claims nothing.
create or replace function tests.given_completed (
  p_step text default 'write',
  p_output jsonb default '"done"',
  p_run text default 'run'
)
  returns setof tidewire.answer
  language sql
  volatile
  set search_path = ''
as $$
  select *
  from tidewire.complete_steps(
    tests.id('worker'),
    tests.given_lease(p_step, pg_catalog.jsonb_build_object('output', p_output), p_run),
    '15 s', '{}', '{}', 0
  )
$$;

-- Fails a step.
create or replace function tests.given_failed (
  p_step text default 'write',
  p_retryable boolean default true,
  p_run text default 'run'
)
  returns setof tidewire.answer
  language sql
  volatile
  set search_path = ''
as $$
  select *
  from tidewire.fail_steps(
    tests.id('worker'),
    tests.given_lease(
      p_step,
      pg_catalog.jsonb_build_object(
        'error', 'Traceback: secret', 'message', 'it broke', 'retryable', p_retryable
      ),
      p_run
    )
  )
$$;

-- Stops both clocks at p_now, until the test's transaction ends.
create or replace function tests.given_clock (
  p_now timestamptz
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  execute pg_catalog.format(
    'create or replace function tidewire.clock () returns timestamptz language sql stable'
      || ' set search_path = '''' as $f$ select %L::timestamptz $f$',
    p_now
  );
  execute pg_catalog.format(
    'create or replace function tidewire.wall_clock () returns timestamptz language sql volatile'
      || ' set search_path = '''' as $f$ select %L::timestamptz $f$',
    p_now
  );
end
$$;

-- Goes on as the user called p_name, as PostgREST does; as a visitor when there is no name. The
-- test is itself again after `reset role`, the claims stay.
create or replace function tests.given_signed_in (
  p_name text default 'ada'
)
  returns void
  language plpgsql
  volatile
as $$
begin
  perform pg_catalog.set_config(
    'request.jwt.claims',
    case when p_name is null then '{"role": "anon"}' else pg_catalog.format(
      '{"sub": "%s", "role": "authenticated"}', tests.id(p_name)
    ) end,
    true
  );
  perform pg_catalog.set_config(
    'role', case when p_name is null then 'anon' else 'authenticated' end, true
  );
end
$$;

-- A chat message of a user.
create or replace function tests.message (
  p_id text default 'question',
  p_text text default 'Why is the sea salt?'
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
    'id', p_id, 'role', 'user',
    'parts', pg_catalog.jsonb_build_array(
      pg_catalog.jsonb_build_object('type', 'text', 'text', p_text)
    )
  )
$$;

-- The log of a run, one line an entry: type, id and what a progress entry says.
create or replace function tests.log_of (
  p_run uuid
)
  returns text[]
  language sql
  stable
  set search_path = ''
as $$
  select pg_catalog.array_agg(
    pg_catalog.concat_ws(
      ' ', c.chunk_data ->> 'type',
      coalesce(c.chunk_data ->> 'id', c.chunk_data ->> 'toolCallId'),
      case when c.chunk_data ->> 'type' = 'data-progress'
        then c.chunk_data -> 'data' ->> 'status'
      end
    )
    order by c.chunk_index
  )
  from public.streaming_chunks c
  where c.run_id = p_run
$$;

create or replace function tests.log_of (
  p_run text default 'run'
)
  returns text[]
  language sql
  stable
  set search_path = ''
as $$
  select tests.log_of(tests.id(p_run))
$$;

-- How a statement is refused: {code, detail, message}; null when it is not.
create or replace function tests.refusal_of (
  p_statement text
)
  returns jsonb
  language plpgsql
  volatile
as $$
declare
  v_code text;
  v_detail text;
  v_message text;
begin
  execute p_statement;
  return null;
exception
  when others then
    get stacked diagnostics
      v_code = returned_sqlstate, v_detail = pg_exception_detail, v_message = message_text;
    return pg_catalog.jsonb_build_object('code', v_code, 'detail', v_detail, 'message', v_message);
end
$$;

-- What of its steps a run took over and what it does again, by slug: status, and run when taken over.
create or replace function tests.steps_of (
  p_run uuid
)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select pg_catalog.jsonb_object_agg(
    s.step_slug, pg_catalog.concat_ws(' ', s.status, s.reused)
  )
  from public.flow_steps s
  where s.run_id = p_run and s.item_index = -1
$$;

-- Claims and completes steps of a run by name, with their name as output.
create or replace function tests.given_done (
  p_steps text[],
  p_run text default 'run'
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_step text;
begin
  foreach v_step in array p_steps loop
    perform tests.given_claim(100);
    perform tests.given_completed(v_step, pg_catalog.to_jsonb(v_step), p_run);
  end loop;
  perform tests.given_claim(100);
end
$$;

-- A run of a diamond (plan, then left and right, then join) of which right failed for good.
create or replace function tests.given_failed_diamond ()
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform tests.given_user();
  perform tests.given_worker();
  perform tests.given_flow('[
    {"slug": "plan", "publish": true}, {"slug": "left", "deps": ["plan"]},
    {"slug": "right", "deps": ["plan"], "stream": true},
    {"slug": "join", "deps": ["left", "right"]}
  ]');
  perform tests.given_run('run', 'answer', tests.id('ada'), null, '{"q": 1}', 5);
  perform tests.given_done('{plan,left}');
  perform tests.given_failed('right', false);
end
$$;
