-- Flow definitions (immutable, one row a version) and the workers that serve them.

create table tidewire.flows (
  flow_slug text primary key,
  current_version text not null,
  created_at timestamptz not null default pg_catalog.now(),
  constraint flow_slug_is_a_slug check (flow_slug ~ '^[a-z][a-z0-9_]{0,62}$')
);

create table tidewire.flow_versions (
  flow_version text primary key,
  flow_slug text not null,
  label text not null,
  access text not null,
  run_timeout interval not null,
  definition jsonb not null,
  created_at timestamptz not null default pg_catalog.now(),
  constraint access_is_known check (access in ('service', 'authenticated')),
  constraint run_timeout_is_positive check (run_timeout > interval '0')
);

create index flow_versions_by_flow on tidewire.flow_versions (flow_slug, created_at);

create table tidewire.step_definitions (
  flow_version text not null references tidewire.flow_versions on delete cascade,
  step_slug text not null,
  ordinal integer not null,
  queue text not null,
  priority integer not null,
  dep_count integer not null,
  is_leaf boolean not null,
  max_attempts integer not null,
  attempt_timeout interval not null,
  backoff_base interval not null,
  backoff_cap interval not null,
  streams boolean not null,
  publishes boolean not null,
  on_retry text not null,
  primary key (flow_version, step_slug),
  constraint step_slug_is_a_slug check (step_slug ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint at_least_one_attempt check (max_attempts between 1 and 1000),
  constraint attempt_timeout_is_positive check (attempt_timeout > interval '0'),
  constraint backoff_is_not_negative check (backoff_base >= interval '0' and backoff_cap >= backoff_base),
  constraint on_retry_is_known check (on_retry in ('continue', 'restart'))
);

create table tidewire.step_dependencies (
  flow_version text not null,
  step_slug text not null,
  depends_on text not null,
  primary key (flow_version, step_slug, depends_on),
  foreign key (flow_version, step_slug) references tidewire.step_definitions on delete cascade,
  foreign key (flow_version, depends_on) references tidewire.step_definitions on delete cascade
);

create index step_dependencies_by_source
  on tidewire.step_dependencies (flow_version, depends_on);

create table tidewire.workers (
  worker_id uuid primary key,
  name text not null,
  host text not null,
  pid integer not null,
  queues text[] not null,
  versions text[] not null default '{}',
  idle boolean not null default false,
  started_at timestamptz not null default pg_catalog.now(),
  last_seen_at timestamptz not null default pg_catalog.now(),
  stopped_at timestamptz
);

alter table tidewire.flows enable row level security;
alter table tidewire.flow_versions enable row level security;
alter table tidewire.step_definitions enable row level security;
alter table tidewire.step_dependencies enable row level security;
alter table tidewire.workers enable row level security;

-- Announces a worker. Repeating it with the same id refreshes the row.
--
-- p_document: {name, pid, host, queues: [text]}
create function tidewire.register_worker (
  p_worker_id uuid,
  p_document jsonb
)
  returns void
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
begin
  insert into tidewire.workers as w (worker_id, name, host, pid, queues)
  values (
    p_worker_id,
    p_document ->> 'name',
    p_document ->> 'host',
    (p_document ->> 'pid')::integer,
    array(select pg_catalog.jsonb_array_elements_text(p_document -> 'queues'))
  )
  on conflict (worker_id) do update
    set queues = excluded.queues, last_seen_at = tidewire.clock(), stopped_at = null;
end
$$;

-- Marks a worker as waiting for work (true) or busy (false). A start notifies only when some
-- worker waits. Protocol: set true, claim once more, then sleep until tidewire_wake or the poll.
create function tidewire.set_idle (
  p_worker_id uuid,
  p_idle boolean
)
  returns void
  language sql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
  update tidewire.workers
  set idle = p_idle, last_seen_at = tidewire.clock()
  where worker_id = p_worker_id
$$;

-- Says goodbye. The row stays as history until maintain() removes it.
create function tidewire.stop_worker (
  p_worker_id uuid
)
  returns void
  language sql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
  update tidewire.workers
  set stopped_at = tidewire.clock(), idle = false
  where worker_id = p_worker_id
$$;

-- Wakes waiting workers at commit. Cheap when none waits: NOTIFY takes a lock that all committing
-- transactions share, so it is never sent for nothing.
create function tidewire.wake_workers ()
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  if exists (
    select
    from tidewire.workers w
    where w.idle and w.last_seen_at > tidewire.clock() - interval '1 minute'
  ) then
    perform pg_catalog.pg_notify('tidewire_wake', '');
  end if;
end
$$;

-- What is wrong with a number of a flow definition; null when it is one of p_least to p_most.
create function tidewire.number_problem (
  p_object jsonb,
  p_key text,
  p_least numeric,
  p_most numeric
)
  returns text
  language sql
  immutable
  set search_path = ''
as $$
  select case
    when pg_catalog.jsonb_typeof(p_object -> p_key) is distinct from 'number'
      or (p_object ->> p_key)::numeric not between p_least and p_most
      or (p_object ->> p_key)::numeric % 1 <> 0
    then pg_catalog.format(
      '%s must be a whole number from %s to %s, got %s',
      p_key, p_least, p_most, coalesce(pg_catalog.left((p_object -> p_key)::text, 40), 'nothing')
    )
  end
$$;

-- What is wrong with one step of a flow definition; null when it is sound.
--
-- p_earlier: the slugs of the steps before it.
create function tidewire.step_problem (
  p_step jsonb,
  p_earlier text[]
)
  returns text
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_slug text;
  v_unknown text;
begin
  if pg_catalog.jsonb_typeof(p_step) is distinct from 'object' then
    return 'step must be an object, got ' || pg_catalog.left(p_step::text, 40);
  end if;
  v_slug := coalesce(p_step ->> 'slug', 'null');
  if v_slug !~ '^[a-z][a-z0-9_]{0,62}$' or v_slug in (
    'input', 'ctx', 'run', 'flow', 'progress', 'sources', 'reset', 'partial_response', 'child_run'
  ) then
    return pg_catalog.format('step %s has a slug that is reserved or not a slug', v_slug);
  elsif v_slug = any (p_earlier) then
    return pg_catalog.format('step %s is defined twice', v_slug);
  elsif pg_catalog.jsonb_typeof(p_step -> 'deps') is distinct from 'array' then
    return pg_catalog.format('step %s: deps must be a list of earlier steps', v_slug);
  elsif coalesce(p_step ->> 'on_retry', 'continue') not in ('continue', 'restart') then
    return pg_catalog.format(
      'step %s: on_retry must be continue or restart, got %s', v_slug, p_step ->> 'on_retry');
  end if;

  select d.value
  into v_unknown
  from pg_catalog.jsonb_array_elements_text(p_step -> 'deps') with ordinality d
  where d.value <> all (p_earlier)
    or d.value in (
      select e.value
      from pg_catalog.jsonb_array_elements_text(p_step -> 'deps') with ordinality e
      where e.ordinality < d.ordinality
    )
  limit 1;
  if found then
    return pg_catalog.format(
      'step %s depends on %s, which is not an earlier step or named twice', v_slug, v_unknown);
  end if;
  return pg_catalog.format('step %s: ', v_slug) || coalesce(
    tidewire.number_problem(p_step, 'max_attempts', 1, 1000),
    tidewire.number_problem(p_step, 'timeout_ms', 1, 31536000000),
    tidewire.number_problem(p_step, 'backoff_cap_ms', 0, 31536000000),
    tidewire.number_problem(
      p_step, 'backoff_base_ms', 0, coalesce((p_step ->> 'backoff_cap_ms')::numeric, 0)
    ),
    case when p_step ? 'priority' then
      tidewire.number_problem(p_step, 'priority', -1000000, 1000000)
    end
  );
end
$$;

-- Refuses a flow definition that could not run; returns nothing when it is sound.
--
-- Raises TW009 naming the flow, the step and the value.
create function tidewire.check_definition (
  p_definition jsonb
)
  returns void
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_slug text := p_definition ->> 'slug';
  v_problem text;
  v_earlier text[] := '{}';
  v_step jsonb;
begin
  v_problem := case
    when pg_catalog.jsonb_typeof(p_definition) is distinct from 'object'
      then 'definition must be an object'
    when coalesce(v_slug, '') !~ '^[a-z][a-z0-9_]{0,62}$'
      then 'slug must match ^[a-z][a-z0-9_]{0,62}$, got ' || coalesce(v_slug, 'nothing')
    when coalesce(p_definition ->> 'access', '') not in ('service', 'authenticated')
      then 'access must be service or authenticated, got '
        || coalesce(p_definition ->> 'access', 'nothing')
    when tidewire.number_problem(p_definition, 'timeout_ms', 1, 31536000000) is not null
      then tidewire.number_problem(p_definition, 'timeout_ms', 1, 31536000000)
    when pg_catalog.jsonb_typeof(p_definition -> 'steps') is distinct from 'array'
      or p_definition -> 'steps' = '[]'
      then 'steps must be a list of at least one step'
  end;
  if v_problem is null then
    for v_step in select s.value from pg_catalog.jsonb_array_elements(p_definition -> 'steps') s loop
      v_problem := tidewire.step_problem(v_step, v_earlier);
      exit when v_problem is not null;
      v_earlier := v_earlier || (v_step ->> 'slug');
    end loop;
  end if;
  if v_problem is not null then
    raise exception sqlstate 'TW009'
      using message = pg_catalog.format('flow %s: %s', coalesce(v_slug, 'null'), v_problem),
            hint = 'Correct the flow definition and register it again.';
  end if;
end
$$;

-- Stores one version of a flow and says that the worker serves it. The version is the SHA-256 of
-- the definition, so registering the same definition again changes nothing.
--
-- A new version becomes the one that new runs get. A known one becomes it again only when no live
-- worker serves the current one: an old worker that restarts during a deploy takes nothing back,
-- a rollback does.
--
-- Raises TW009 for a wrong definition, TW010 for an unknown worker.
create function tidewire.register_flow (
  p_worker_id uuid,
  p_definition jsonb
)
  returns text
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
declare
  v_slug text := p_definition ->> 'slug';
  v_version text := pg_catalog.encode(
    pg_catalog.sha256(pg_catalog.convert_to(p_definition::text, 'UTF8')), 'hex'
  );
begin
  perform tidewire.check_definition(p_definition);
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('tidewire.flow.' || v_slug, 0));

  insert into tidewire.flow_versions (flow_version, flow_slug, label, access, run_timeout, definition)
  values (
    v_version, v_slug, coalesce(p_definition ->> 'label', ''), p_definition ->> 'access',
    (p_definition ->> 'timeout_ms')::double precision * interval '1 ms', p_definition
  )
  on conflict do nothing;
  if found then
    perform tidewire.store_steps(v_version, p_definition -> 'steps');
    insert into tidewire.flows as f (flow_slug, current_version)
    values (v_slug, v_version)
    on conflict (flow_slug) do update set current_version = excluded.current_version;
  else
    update tidewire.flows f
    set current_version = v_version
    where f.flow_slug = v_slug
      and f.current_version <> v_version
      and not exists (
        select
        from tidewire.workers w
        where f.current_version = any (w.versions)
          and w.worker_id <> p_worker_id
          and w.stopped_at is null
          and w.last_seen_at > tidewire.clock() - interval '1 minute'
      );
  end if;

  update tidewire.workers w
  set versions = case when v_version = any (w.versions) then w.versions else w.versions || v_version end
  where w.worker_id = p_worker_id;
  if not found then
    raise exception sqlstate 'TW010'
      using message = pg_catalog.format('worker %s is not registered', p_worker_id),
            hint = 'Call tidewire.register_worker first.';
  end if;
  return v_version;
end
$$;

-- Writes the steps of a new version and the edges between them.
create function tidewire.store_steps (
  p_version text,
  p_steps jsonb
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  insert into tidewire.step_definitions (
    flow_version, step_slug, ordinal, queue, priority, dep_count, is_leaf, max_attempts,
    attempt_timeout, backoff_base, backoff_cap, streams, publishes, on_retry
  )
  select
    p_version, s.slug, s.ordinality - 1, coalesce(s.queue, 'default'), coalesce(s.priority, 0),
    pg_catalog.jsonb_array_length(s.deps),
    not exists (
      select
      from pg_catalog.jsonb_array_elements(p_steps) o
      where o.value -> 'deps' ? s.slug
    ),
    s.max_attempts, s.timeout_ms * interval '1 ms', s.backoff_base_ms * interval '1 ms',
    s.backoff_cap_ms * interval '1 ms', coalesce(s.stream, false), coalesce(s.publish, false),
    coalesce(s.on_retry, 'continue')
  from rows from (
    pg_catalog.jsonb_to_recordset(p_steps) as (
      slug text, deps jsonb, queue text, priority integer, max_attempts integer,
      timeout_ms double precision, backoff_base_ms double precision,
      backoff_cap_ms double precision, stream boolean, publish boolean, on_retry text
    )
  ) with ordinality s;

  insert into tidewire.step_dependencies (flow_version, step_slug, depends_on)
  select p_version, s.value ->> 'slug', d.value
  from pg_catalog.jsonb_array_elements(p_steps) s,
    pg_catalog.jsonb_array_elements_text(s.value -> 'deps') d;
end
$$;
