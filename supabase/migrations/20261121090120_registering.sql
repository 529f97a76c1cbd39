-- How a flow is registered: checked, stored as a version, and put in force.

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
    'input', 'ctx', 'item', 'run', 'flow', 'progress', 'sources', 'reset', 'partial_response',
    'child_run'
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
    tidewire.number_problem('{"priority": 0}' || p_step, 'priority', -1000000, 1000000),
    tidewire.number_problem('{"delay_ms": 0}' || p_step, 'delay_ms', 0, 31536000000),
    tidewire.graph_problem(p_step)
  );
end
$$;

-- Why a text is no jsonpath; null when it is one, or is missing.
create function tidewire.path_problem (
  p_key text,
  p_path jsonb
)
  returns text
  language plpgsql
  immutable
  set search_path = ''
as $$
begin
  if p_path is null or p_path = 'null' then
    return null;
  elsif pg_catalog.jsonb_typeof(p_path) <> 'string' then
    return pg_catalog.format('%s must be a jsonpath, got %s', p_key, pg_catalog.left(p_path::text, 40));
  end if;
  -- A variable is $"name" in the text that Postgres makes of a path, outside of its own strings.
  if pg_catalog.regexp_replace(
      (p_path #>> '{}')::jsonpath::text, '"(\\.|[^"\\])*"', '""', 'g'
    ) like '%$""%'
  then
    return pg_catalog.format(
      '%s must be a jsonpath without variables, got %s', p_key, pg_catalog.left(p_path::text, 80));
  end if;
  return null;
exception
  when others then
    return pg_catalog.format(
      '%s must be a jsonpath, got %s (%s)', p_key, pg_catalog.left(p_path::text, 80), sqlerrm);
end
$$;

-- What is wrong with a step's cache: {fresh_ms, scope, key?}.
create function tidewire.cache_problem (
  p_step jsonb
)
  returns text
  language sql
  stable
  set search_path = ''
as $$
  select case
    when p_step -> 'cache' is null or p_step -> 'cache' = 'null' then null
    when pg_catalog.jsonb_typeof(p_step -> 'cache') <> 'object'
      then 'cache must be an object, got ' || pg_catalog.left(p_step ->> 'cache', 40)
    when coalesce(p_step #>> '{cache,scope}', '') not in ('owner', 'shared')
      then 'cache.scope must be owner or shared, got ' || coalesce(p_step #>> '{cache,scope}', 'nothing')
    when p_step #>> '{cache,scope}' = 'shared' and p_step #>> '{cache,key}' is not null
      then 'cache.key must be left out with scope shared: what a step is given is the key'
    when (p_step ->> 'stream')::boolean
      then 'cache must be null for a step that streams, whose text is in the log'
    else coalesce(
      tidewire.number_problem(p_step -> 'cache', 'fresh_ms', 1, 31536000000),
      tidewire.path_problem('cache.key', p_step #> '{cache,key}')
    )
  end
$$;

-- What is wrong with how a step is reached: its map, condition, outcomes and cache.
create function tidewire.graph_problem (
  p_step jsonb
)
  returns text
  language sql
  stable
  set search_path = ''
as $$
  select case
    when pg_catalog.jsonb_typeof(coalesce(p_step -> 'stream', 'false')) <> 'boolean'
      then 'stream must be true or false, got ' || pg_catalog.left(p_step ->> 'stream', 40)
    when pg_catalog.jsonb_typeof(coalesce(p_step -> 'publish', 'false')) <> 'boolean'
      then 'publish must be true or false, got ' || pg_catalog.left(p_step ->> 'publish', 40)
    when pg_catalog.jsonb_typeof(coalesce(p_step -> 'takes', '[]')) <> 'array'
      then 'takes must be a list of input and dependencies, got '
        || coalesce(pg_catalog.left(p_step ->> 'takes', 40), 'null')
    when exists (
      select
      from pg_catalog.jsonb_array_elements_text(coalesce(p_step -> 'takes', '[]')) t
      where t.value is distinct from 'input' and not coalesce(p_step -> 'deps' ? t.value, false)
    ) then 'takes must be a list of input and dependencies, got ' || (p_step ->> 'takes')
    when coalesce(p_step ->> 'over', 'input') <> 'input' and not p_step -> 'deps' ? (p_step ->> 'over')
      then 'over must be input or a dependency, got ' || (p_step ->> 'over')
    when pg_catalog.jsonb_typeof(coalesce(p_step -> 'tolerance', '0')) <> 'number'
      or (p_step ->> 'tolerance')::numeric not between 0 and 1
      then 'tolerance must be a number from 0 to 1, got ' || (p_step ->> 'tolerance')
    when coalesce(p_step ->> 'otherwise', 'skip') not in ('skip', 'skip_dependents', 'fail')
      then 'otherwise must be skip, skip_dependents or fail, got ' || (p_step ->> 'otherwise')
    when coalesce(p_step ->> 'on_exhausted', 'fail') not in ('skip', 'skip_dependents', 'fail')
      then 'on_exhausted must be skip, skip_dependents or fail, got ' || (p_step ->> 'on_exhausted')
    when p_step -> 'over' is distinct from null and p_step -> 'over' <> 'null'
      and (p_step ->> 'stream')::boolean
      then 'stream must be false for a map, whose items write no log'
    else coalesce(
      tidewire.path_problem('when', p_step -> 'when'),
      tidewire.cache_problem(p_step)
    )
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

  insert into tidewire.flow_versions (
    flow_version, flow_slug, label, access, run_timeout, step_count, definition
  )
  values (
    v_version, v_slug, coalesce(p_definition ->> 'label', ''), p_definition ->> 'access',
    (p_definition ->> 'timeout_ms')::double precision * interval '1 ms',
    pg_catalog.jsonb_array_length(p_definition -> 'steps'), p_definition
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
    attempt_timeout, backoff_base, backoff_cap, streams, publishes, on_retry, takes_input, map_over,
    tolerance, condition, otherwise, on_exhausted, delay, cache_fresh, cache_scope, cache_key
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
    coalesce(s.on_retry, 'continue'), s.takes is null or s.takes ? 'input', s.over,
    coalesce(s.tolerance, 0), s."when"::jsonpath, coalesce(s.otherwise, 'skip'),
    coalesce(s.on_exhausted, 'fail'), coalesce(s.delay_ms, 0) * interval '1 ms',
    (s.cache ->> 'fresh_ms')::double precision * interval '1 ms', s.cache ->> 'scope',
    (s.cache ->> 'key')::jsonpath
  from rows from (
    pg_catalog.jsonb_to_recordset(p_steps) as (
      slug text, deps jsonb, queue text, priority integer, max_attempts integer,
      timeout_ms double precision, backoff_base_ms double precision,
      backoff_cap_ms double precision, stream boolean, publish boolean, on_retry text, takes jsonb,
      over text, tolerance double precision, "when" text, otherwise text, on_exhausted text,
      delay_ms double precision, cache jsonb
    )
  ) with ordinality s;

  insert into tidewire.step_dependencies (flow_version, step_slug, depends_on, taken, decided)
  select p_version, s.value ->> 'slug', e.value, not s.value ? 'takes' or s.value -> 'takes' ? e.value,
    d.decided
  from pg_catalog.jsonb_array_elements(p_steps) s
  cross join pg_catalog.jsonb_array_elements_text(s.value -> 'deps') e
  join tidewire.step_definitions d
    on d.flow_version = p_version and d.step_slug = s.value ->> 'slug';
end
$$;
