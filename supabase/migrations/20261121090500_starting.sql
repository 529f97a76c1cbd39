-- How runs start: by a signed-in user, by trusted code, or as the answer to a chat message.

-- Creates a run of a flow's current version with its steps and the first log entry.
--
-- A held run waits for its thread's turn: its steps are not released. Before p_start_at its first
-- steps are scheduled. Answers {run_id, message_id, status, created}; created is false when the
-- same owner used the same run id or idempotency key with the same input before; another input is
-- PT409 TW004.
create function tidewire.create_run (
  p_user_id uuid,
  p_flow_slug text,
  p_input jsonb,
  p_run_id uuid,
  p_thread_id text,
  p_idempotency_key text,
  p_priority integer,
  p_held boolean,
  p_start_at timestamptz default null
)
  returns jsonb
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_run_id uuid := coalesce(p_run_id, tidewire.uuid_v7());
  v_hash bytea := pg_catalog.sha256(
    pg_catalog.convert_to(pg_catalog.concat_ws(E'\n', p_flow_slug, p_thread_id, p_input::text), 'UTF8')
  );
  v_version text;
begin
  perform tidewire.keep_plans_fresh();
  insert into public.flow_runs (
    run_id, flow_slug, flow_version, user_id, thread_id, message_id, held, input, remaining_steps,
    next_index, idempotency_key, input_hash, priority, start_at, deadline_at, created_at,
    last_append_at
  )
  select
    v_run_id, f.flow_slug, f.current_version, p_user_id, p_thread_id, v_run_id::text, p_held,
    p_input, v.step_count, 1, p_idempotency_key, v_hash, coalesce(p_priority, 0), p_start_at,
    greatest(v_now, p_start_at) + v.run_timeout, v_now, v_now
  from tidewire.flows f
  join tidewire.flow_versions v on v.flow_version = f.current_version
  where f.flow_slug = p_flow_slug
  on conflict do nothing
  returning flow_version into v_version;
  if not found then
    return tidewire.existing_run(p_user_id, p_flow_slug, p_run_id, p_idempotency_key, v_hash);
  end if;
  insert into public.streaming_chunks (run_id, chunk_index, first_index, chunk_data, created_at)
  values (v_run_id, 0, 0, tidewire.start_chunk(v_run_id, p_flow_slug), v_now);
  perform tidewire.create_steps(v_run_id, v_version, coalesce(p_priority, 0), p_held, p_start_at);
  return pg_catalog.jsonb_build_object(
    'run_id', v_run_id, 'message_id', v_run_id,
    'status', (select r.status from public.flow_runs r where r.run_id = v_run_id), 'created', true
  );
end
$$;

-- Creates the steps of a new run. Those without dependencies are ready at once, unless the run is
-- held, starts later, or more is to be decided about them.
create function tidewire.create_steps (
  p_run_id uuid,
  p_flow_version text,
  p_priority integer,
  p_held boolean,
  p_start_at timestamptz
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_later boolean := coalesce(p_start_at > v_now, false);
  v_undecided tidewire.step_key[];
begin
  with created as (
    insert into public.flow_steps (
      run_id, step_slug, flow_version, queue, priority, status, remaining_deps, max_attempts,
      available_at, ready_at, created_at
    )
    select
      p_run_id, d.step_slug, d.flow_version, d.queue, d.priority + p_priority,
      case
        when d.dep_count > 0 or d.decided or p_held then 'waiting'
        when v_later then 'scheduled'
        else 'queued'
      end,
      d.dep_count, d.max_attempts, greatest(v_now, p_start_at),
      case when not (d.dep_count > 0 or d.decided or p_held or v_later) then v_now end, v_now
    from tidewire.step_definitions d
    where d.flow_version = p_flow_version
    returning step_slug, status, remaining_deps
  )
  select pg_catalog.array_agg((p_run_id, c.step_slug, -1)::tidewire.step_key)
  into v_undecided
  from created c
  where c.status = 'waiting' and c.remaining_deps = 0 and not p_held;
  if v_undecided is not null then
    perform tidewire.carry_on(null, v_undecided, null);
  end if;
  perform tidewire.wake_workers();
end
$$;

-- The first entry of every log. The run's id is the id of the message that the log becomes.
create function tidewire.start_chunk (
  p_run_id uuid,
  p_flow_slug text
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
    'type', 'start',
    'messageId', p_run_id,
    'messageMetadata', pg_catalog.jsonb_build_object('runId', p_run_id, 'flow', p_flow_slug)
  )
$$;

-- Refuses arguments of a start that are malformed or too large.
create function tidewire.check_start (
  p_input jsonb,
  p_thread_id text,
  p_idempotency_key text,
  p_start_at timestamptz default null
)
  returns void
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_size integer := pg_catalog.octet_length(p_input::text);
  v_limit integer := tidewire.payload_limit();
begin
  if p_input is null then
    perform tidewire.refuse(
      400, 'TW001', 'input must be JSON, got nothing', 'Send an object such as {} as input.'
    );
  end if;
  if v_size > v_limit then
    perform tidewire.refuse(
      413, 'TW006', pg_catalog.format('input must be at most %s bytes, got %s', v_limit, v_size),
      'Store large data in a table or in Storage and send its id.'
    );
  end if;
  -- jsonb keeps what JSON parsers refuse, and a worker must be able to read what it claims. The
  -- cheap tests come first: such depth needs 200 bytes, such a number 309 digits, of which 200 are looked for.
  if v_size > 200 and p_input @? 'strict $.**{101}' then
    perform tidewire.refuse(
      400, 'TW001', 'input must be nested at most 100 levels deep', 'Flatten it.'
    );
  end if;
  if p_input::text ~ '[0-9]{200}'
    and p_input @? '$.** ? (@.type() == "number" && (@ > 1.7e308 || @ < -1.7e308))'
  then
    perform tidewire.refuse(
      400, 'TW001', 'input must hold no number beyond 1.7e308', 'Send such numbers as text.'
    );
  end if;
  if p_thread_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform tidewire.refuse(
      400, 'TW001',
      pg_catalog.format('thread_id must be 1 to 64 of A-Z a-z 0-9 _ -, got %s',
        pg_catalog.left(pg_catalog.quote_literal(p_thread_id), 80)),
      'Use the id that useChat made, or any url-safe id.'
    );
  end if;
  if pg_catalog.length(p_idempotency_key) not between 1 and 255 then
    perform tidewire.refuse(
      400, 'TW001',
      pg_catalog.format('idempotency_key must be 1 to 255 characters, got %s',
        pg_catalog.length(p_idempotency_key)),
      'Use a uuid.'
    );
  end if;
  if p_start_at > tidewire.clock() + interval '1 year' or p_start_at = '-infinity' then
    perform tidewire.refuse(
      400, 'TW001', pg_catalog.format('start_at must be within a year from now, got %s', p_start_at),
      'Start the run later, or by a schedule.'
    );
  end if;
end
$$;

-- The run that stood in the way of a new one: the same start again, or a conflict.
--
-- Raises PT404 TW003 when no such flow exists, PT409 TW004 when the id or key was used with
-- another input. An id of somebody else's run is refused in the same words as one's own.
create function tidewire.existing_run (
  p_user_id uuid,
  p_flow_slug text,
  p_run_id uuid,
  p_idempotency_key text,
  p_input_hash bytea
)
  returns jsonb
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_run public.flow_runs;
begin
  if not exists (select from tidewire.flows f where f.flow_slug = p_flow_slug) then
    perform tidewire.refuse_unknown_flow(p_flow_slug);
  end if;
  select r.*
  into v_run
  from public.flow_runs r
  where r.user_id is not distinct from p_user_id
    and (
      (r.flow_slug = p_flow_slug and r.idempotency_key = p_idempotency_key)
      or r.run_id = p_run_id
    )
  order by (r.run_id = p_run_id) desc nulls last
  limit 1;

  if v_run.input_hash is distinct from p_input_hash
    or v_run.run_id <> coalesce(p_run_id, v_run.run_id)
  then
    perform tidewire.refuse(
      409, 'TW004',
      case
        when p_idempotency_key is null
          then pg_catalog.format('run id %s was used before with another input', p_run_id)
        else pg_catalog.format(
          'idempotency key %s was used before with another input or run id',
          pg_catalog.quote_literal(p_idempotency_key)
        )
      end,
      'Use a new key or id for a new run.'
    );
  end if;
  return pg_catalog.jsonb_build_object(
    'run_id', v_run.run_id, 'message_id', v_run.message_id, 'status', v_run.status,
    'created', false
  );
end
$$;

-- Refuses a flow that does not exist or is not open to users: both read the same.
create function tidewire.refuse_unknown_flow (
  p_flow_slug text
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform tidewire.refuse(
    404, 'TW003',
    pg_catalog.format('flow %s not found',
      coalesce(pg_catalog.left(pg_catalog.quote_literal(p_flow_slug), 80), 'null')),
    'Check the slug; a worker must have registered the flow with access="authenticated".'
  );
end
$$;

-- Refuses a flow that users may not start.
create function tidewire.check_open_to_users (
  p_flow_slug text
)
  returns void
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  if not exists (
    select
    from tidewire.flows f
    join tidewire.flow_versions v on v.flow_version = f.current_version
    where f.flow_slug = p_flow_slug and v.access = 'authenticated'
  ) then
    perform tidewire.refuse_unknown_flow(p_flow_slug);
  end if;
end
$$;

-- Keeps a user from being deleted until the transaction ends; waits for a deletion under way.
--
-- What users call takes it before runs and threads. Otherwise it would come to it by a run's
-- reference to its owner, with locks in hand for which the deletion waits. Raises PT404 TW003 when
-- there is no such user.
create function tidewire.hold_user (
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  if pg_catalog.has_any_column_privilege('auth.users', 'UPDATE') then
    perform from auth.users u where u.id = p_user_id for key share;
    if not found then
      perform tidewire.refuse(
        404, 'TW003', pg_catalog.format('user %s not found', p_user_id), 'Check the user''s id.'
      );
    end if;
  end if;
end
$$;

-- Locks a thread of a user, making it when it is new, and returns its active run, if any. A turn
-- that nobody passed when the active run ended is passed here, so that no new run overtakes it.
create function tidewire.lock_thread (
  p_user_id uuid,
  p_thread_id text,
  p_title text
)
  returns uuid
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_active uuid;
begin
  insert into public.flow_threads (user_id, thread_id, title)
  values (p_user_id, p_thread_id, p_title)
  on conflict do nothing;
  perform
  from public.flow_threads t
  where t.user_id = p_user_id and t.thread_id = p_thread_id
  for no key update;
  -- A statement of its own: only now is the run that another start may have made in sight.
  perform tidewire.pass_the_turn(array[t.active_run_id])
  from public.flow_threads t
  where t.user_id = p_user_id and t.thread_id = p_thread_id and t.active_run_id is not null;
  select r.run_id
  into v_active
  from public.flow_threads t
  join public.flow_runs r on r.run_id = t.active_run_id
  where t.user_id = p_user_id
    and t.thread_id = p_thread_id
    and r.status in ('queued', 'running');
  return v_active;
end
$$;

-- The id of a run that create_run answered; null when it has ended already, as one does of which
-- every step is skipped, empty or in the cache.
create function tidewire.id_if_active (
  p_answer jsonb
)
  returns uuid
  language sql
  immutable
  set search_path = ''
as $$
  select case
    when p_answer ->> 'status' in ('queued', 'running') then (p_answer ->> 'run_id')::uuid
  end
$$;

-- Refuses a second run in a thread, naming the first.
create function tidewire.refuse_busy_thread (
  p_thread_id text,
  p_run_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform tidewire.refuse(
    409, 'TW005',
    pg_catalog.format('thread %s has the active run %s', p_thread_id, p_run_id),
    'Wait for it, cancel it, or send on_busy = queue or cancel.'
  );
end
$$;

-- Starts a run for a user or, without one, for the service itself. For trusted code.
--
-- Raises PT400, PT404, PT409 and PT413 as public.start_run does; a flow with access = service is
-- open here.
create function tidewire.start_run_for (
  p_user_id uuid,
  p_flow_slug text,
  p_input jsonb,
  p_run_id uuid default null,
  p_thread_id text default null,
  p_idempotency_key text default null,
  p_priority integer default 0,
  p_start_at timestamptz default null
)
  returns jsonb
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
declare
  v_active uuid;
  v_run jsonb;
begin
  perform tidewire.check_start(p_input, p_thread_id, p_idempotency_key, p_start_at);
  if p_thread_id is not null and p_user_id is null then
    perform tidewire.refuse(
      400, 'TW001', 'thread_id must come with a user, got none', 'Pass the thread''s owner.'
    );
  end if;
  if p_user_id is not null then
    perform tidewire.hold_user(p_user_id);
  end if;
  if p_thread_id is not null then
    v_active := tidewire.lock_thread(p_user_id, p_thread_id, null);
  end if;
  v_run := tidewire.create_run(
    p_user_id, p_flow_slug, p_input, p_run_id, p_thread_id, p_idempotency_key, p_priority, false,
    p_start_at
  );
  if p_thread_id is not null and (v_run ->> 'created')::boolean then
    if v_active is not null then
      perform tidewire.refuse_busy_thread(p_thread_id, v_active);
    end if;
    update public.flow_threads t
    set active_run_id = tidewire.id_if_active(v_run), updated_at = tidewire.clock()
    where t.user_id = p_user_id and t.thread_id = p_thread_id;
  end if;
  return v_run;
end
$$;

-- Starts a run of a flow that is open to users, owned by the caller.
--
-- Returns {run_id, message_id, status, created}. Repeating a start with the same run_id or
-- idempotency_key and the same input returns the first run. Raises PT400 TW001 bad argument,
-- PT401 TW007 not signed in, PT404 TW003 unknown flow, PT409 TW004 same key with another input,
-- PT409 TW005 thread busy, PT413 TW006 input over the limit. After an error nothing remains. Before
-- start_at no worker takes the run.
create function public.start_run (
  flow_slug text,
  input jsonb,
  run_id uuid default null,
  thread_id text default null,
  idempotency_key text default null,
  start_at timestamptz default null
)
  returns jsonb
  language plpgsql
  volatile
  security definer -- users have no right to write the tables
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
#variable_conflict use_variable
declare
  v_owner uuid := tidewire.signed_in_user();
begin
  perform tidewire.check_open_to_users(flow_slug);
  return tidewire.start_run_for(
    v_owner, flow_slug, input, run_id, thread_id, idempotency_key, 0, start_at
  );
end
$$;
