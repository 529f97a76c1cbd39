-- What is decided in the database when a step becomes ready: whether its condition holds, whether
-- its output is in the cache, what a map runs over, and when it may be claimed.

-- A step that is ready, and what is to become of it.
--   fate       skip, skip_dependents, fail, complete, expand, schedule or queue
--   reason     why it is skipped or fails; safe to show
--   output     of complete
--   items      of expand: the list that the map runs over
--   starts_at  when it may be claimed
create type tidewire.judged_step as (
  run_id uuid,
  step_slug text,
  flow_version text,
  line_at timestamptz,
  fate text,
  reason text,
  output jsonb,
  reused text,
  items jsonb,
  starts_at timestamptz
);

-- Decides about steps without open dependencies, and brings it about.
--
-- waiting -> queued, scheduled, skipped or completed; a map that has items stays waiting, for them.
-- The caller holds the runs' locks.
create function tidewire.decide_steps (
  p_ready tidewire.step_key[]
)
  returns tidewire.consequences
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_judged tidewire.judged_step[] := tidewire.judge_steps(p_ready);
begin
  update public.flow_steps s
  set status = case j.fate
        when 'skip' then 'skipped'
        when 'skip_dependents' then 'skipped'
        when 'complete' then 'completed'
        when 'fail' then 'failed'
        when 'schedule' then 'scheduled'
        when 'queue' then 'queued'
        else 'waiting'
      end,
      output = j.output,
      reused = j.reused,
      error = j.reason,
      ready_at = case when j.fate in ('queue', 'expand') then v_now end,
      available_at = greatest(s.available_at, j.starts_at),
      started_at = case when j.fate = 'expand' then v_now end,
      finished_at = case
        when j.fate in ('skip', 'skip_dependents', 'complete', 'fail') then v_now
      end,
      total_items = pg_catalog.jsonb_array_length(j.items),
      remaining_items = pg_catalog.jsonb_array_length(j.items),
      failed_items = case when j.items is not null then 0 end
  from pg_catalog.unnest(v_judged) j
  where s.run_id = j.run_id and s.step_slug = j.step_slug and s.item_index = -1;
  perform tidewire.expand_maps(v_judged);
  return (
    array(
      select (null, j.run_id, j.step_slug, j.flow_version, j.fate = 'skip_dependents', j.line_at)
        ::tidewire.settled_step
      from pg_catalog.unnest(v_judged) j
      where j.fate in ('skip', 'skip_dependents', 'complete')
    ),
    tidewire.decision_drafts(v_judged),
    array(
      select (
        j.run_id, j.fate = 'expand', 0, case when j.fate = 'fail' then 'failed' end,
        case when j.fate = 'fail' then j.reason end, null
      )::tidewire.run_change
      from pg_catalog.unnest(v_judged) j
      where j.fate in ('expand', 'fail')
    )
  )::tidewire.consequences;
end
$$;

-- Works out the fate of steps that are ready.
create function tidewire.judge_steps (
  p_ready tidewire.step_key[]
)
  returns tidewire.judged_step[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_most_items integer := (select l.map_items from tidewire.limits l);
  v_judged tidewire.judged_step[];
begin
  with steps as (
    select
      s.run_id, s.step_slug, s.flow_version, s.available_at as line_at, d.map_over,
      greatest(
        r.start_at, case when d.delay > interval '0' then greatest(v_now, r.start_at) + d.delay end
      ) as starts_at,
      d.otherwise,
      d.condition is null
        or coalesce(
          tidewire.found_by(d.condition, c.context) -> 0 not in ('false', 'null'), false
        ) as holds,
      case d.map_over when 'input' then r.input else c.context -> d.map_over end as source,
      tidewire.cached_output(r.user_id, d, c.context) as cached
    from pg_catalog.unnest(p_ready) k
    join public.flow_steps s
      on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
    join public.flow_runs r on r.run_id = s.run_id
    join tidewire.step_definitions d
      on d.flow_version = s.flow_version and d.step_slug = s.step_slug
    cross join lateral tidewire.step_context(s.run_id, s.flow_version, s.step_slug, r.input)
      c (context)
    where s.status = 'waiting' and s.remaining_deps = 0
  ), judged as (
    select
      s.*,
      case
        when not s.holds then s.otherwise
        when s.cached is not null then 'complete'
        when s.map_over is null and s.starts_at > v_now then 'schedule'
        when s.map_over is null then 'queue'
        when s.source is null or s.source = '[]' then 'complete'
        when pg_catalog.jsonb_typeof(s.source) <> 'array' then 'fail'
        when pg_catalog.jsonb_array_length(s.source) > v_most_items then 'fail'
        else 'expand'
      end as fate
    from steps s
  )
  select pg_catalog.array_agg(
    (
      j.run_id, j.step_slug, j.flow_version, j.line_at, j.fate,
      case
        when not j.holds and j.fate = 'fail'
          then pg_catalog.format('step %s: its condition does not hold', j.step_slug)
        when not j.holds then 'its condition does not hold'
        when j.fate = 'fail' and pg_catalog.jsonb_typeof(j.source) <> 'array' then pg_catalog.format(
          'step %s maps over %s, which must be a list, got %s',
          j.step_slug, j.map_over, pg_catalog.jsonb_typeof(j.source)
        )
        when j.fate = 'fail' then pg_catalog.format(
          'step %s maps over %s, which must have at most %s elements, got %s',
          j.step_slug, j.map_over, v_most_items, pg_catalog.jsonb_array_length(j.source)
        )
      end,
      case when j.fate = 'complete' then coalesce(j.cached, '[]') end,
      case when j.fate = 'complete' and j.cached is not null then 'cache' end,
      case when j.fate = 'expand' then j.source end,
      j.starts_at
    )::tidewire.judged_step
  )
  into v_judged
  from judged j;
  return coalesce(v_judged, '{}');
end
$$;

-- What the paths of a step see: {input, <dependency>: output, …}, skipped ones left out.
create function tidewire.step_context (
  p_run_id uuid,
  p_flow_version text,
  p_step_slug text,
  p_input jsonb
)
  returns jsonb
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return (
    select pg_catalog.jsonb_build_object('input', p_input) || coalesce(
      pg_catalog.jsonb_object_agg(o.step_slug, o.output) filter (where o.output is not null), '{}'
    )
    from tidewire.step_dependencies e
    join public.flow_steps o
      on o.run_id = p_run_id and o.step_slug = e.depends_on and o.item_index = -1
    where e.flow_version = p_flow_version and e.step_slug = p_step_slug
  );
end
$$;

-- What a path finds, as a list; an empty one when it cannot be followed.
--
-- Some errors are raised even in silent mode, and a step that nobody can decide about would fail
-- every call that comes upon it: one run's input must not keep all others from being rescued. Times
-- without a zone are of UTC, whatever the session's is.
create function tidewire.found_by (
  p_path jsonpath,
  p_context jsonb
)
  returns jsonb
  language plpgsql
  stable
  set search_path = ''
  set timezone = 'UTC'
as $$
begin
  return pg_catalog.jsonb_path_query_array_tz(p_context, p_path, '{}', true);
exception
  when others then
    return '[]';
end
$$;

-- Makes the items of maps: one row an element, ready to be claimed.
create function tidewire.expand_maps (
  p_judged tidewire.judged_step[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
begin
  insert into public.flow_steps (
    run_id, step_slug, item_index, flow_version, queue, priority, status, max_attempts,
    available_at, ready_at, item_input
  )
  select
    j.run_id, j.step_slug, i.ordinality - 1, j.flow_version, s.queue, s.priority,
    case when j.starts_at > v_now then 'scheduled' else 'queued' end,
    s.max_attempts, greatest(s.available_at, j.starts_at), v_now, i.value
  from pg_catalog.unnest(p_judged) j
  join public.flow_steps s
    on s.run_id = j.run_id and s.step_slug = j.step_slug and s.item_index = -1
  cross join lateral pg_catalog.jsonb_array_elements(j.items) with ordinality i
  where j.fate = 'expand';
end
$$;

-- How far a map is, as its progress entries say it.
create function tidewire.item_counts (
  p_items integer,
  p_completed integer,
  p_failed integer
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
    'counts',
    pg_catalog.jsonb_build_object('items', p_items, 'completed', p_completed, 'failed', p_failed)
  )
$$;

-- What the log says of decisions.
create function tidewire.decision_drafts (
  p_judged tidewire.judged_step[]
)
  returns tidewire.log_draft[]
  language sql
  stable
  set search_path = ''
as $$
  select array(
    select (j.run_id, j.step_slug, 0, e.chunk)::tidewire.log_draft
    from pg_catalog.unnest(p_judged) j
    join tidewire.step_definitions d
      on d.flow_version = j.flow_version and d.step_slug = j.step_slug
    cross join lateral (
      select
        1 as rank,
        tidewire.progress_chunk(
          j.step_slug,
          case j.fate
            when 'complete' then 'completed'
            when 'fail' then 'failed'
            when 'expand' then 'started'
            when 'schedule' then 'waiting'
            else 'skipped'
          end,
          0, j.reason,
          case
            when j.reused is not null then pg_catalog.jsonb_build_object('reused', j.reused)
            when d.map_over is not null and j.fate in ('complete', 'expand')
              then tidewire.item_counts(pg_catalog.jsonb_array_length(coalesce(j.items, '[]')), 0, 0)
            else '{}'
          end
        ) as chunk
      where j.fate <> 'queue'
      union all
      select 2, tidewire.published_chunk(j.step_slug, j.output)
      where j.fate = 'complete' and d.publishes
    ) e
    order by d.ordinal, e.rank
  )
$$;

-- What a step's output is kept under: what it is given, or what its key path picks out. Null when
-- the path finds nothing: such an output is not kept, since it would stand for every other one.
create function tidewire.cache_key (
  p_step tidewire.step_definitions,
  p_context jsonb
)
  returns bytea
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_given jsonb;
begin
  if (p_step).cache_key is not null then
    v_given := nullif(tidewire.found_by((p_step).cache_key, p_context), '[]');
    if v_given is null then
      return null;
    end if;
  else
    select pg_catalog.jsonb_object_agg(g.key, g.value)
    into v_given
    from pg_catalog.jsonb_each(p_context) g
    where g.key = (p_step).map_over
      or (g.key = 'input' and (p_step).takes_input)
      or exists (
        select
        from tidewire.step_dependencies e
        where e.flow_version = (p_step).flow_version
          and e.step_slug = (p_step).step_slug
          and e.depends_on = g.key
          and e.taken
      );
  end if;
  return pg_catalog.sha256(pg_catalog.convert_to(coalesce(v_given, '{}')::text, 'UTF8'));
end
$$;

-- The output that the cache holds for a step; null when it has none that is fresh.
create function tidewire.cached_output (
  p_user_id uuid,
  p_step tidewire.step_definitions,
  p_context jsonb
)
  returns jsonb
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  if (p_step).cache_fresh is null then
    return null;
  end if;
  return (
    select c.output
    from tidewire.cache c
    where c.flow_version = (p_step).flow_version
      and c.step_slug = (p_step).step_slug
      and c.owner = tidewire.cache_owner((p_step).cache_scope, p_user_id)
      and c.key = tidewire.cache_key(p_step, p_context)
      and c.fresh_until > tidewire.clock()
  );
end
$$;

-- Behind whom a cached output is kept: its user, the service, or everybody.
create function tidewire.cache_owner (
  p_scope text,
  p_user_id uuid
)
  returns text
  language sql
  immutable
  set search_path = ''
as $$
  select case when p_scope = 'shared' then 'shared' else coalesce(p_user_id::text, 'service') end
$$;

-- Keeps the outputs of steps that were just completed, for as long as each is fresh.
--
-- One that another call is about to keep is left to it: whoever waited would stall a whole batch.
create function tidewire.store_outputs (
  p_steps tidewire.step_key[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  insert into tidewire.cache as c (
    flow_version, step_slug, owner, key, output, run_id, stored_at, fresh_until
  )
  select
    o.flow_version, o.step_slug, o.owner, o.key, o.output, o.run_id, tidewire.clock(),
    tidewire.clock() + o.cache_fresh
  from (
    select distinct on (1, 2, 3, 4)
      s.flow_version, s.step_slug, tidewire.cache_owner(d.cache_scope, r.user_id) as owner,
      tidewire.cache_key(d, x.context) as key, s.output, s.run_id, d.cache_fresh
    from pg_catalog.unnest(p_steps) k
    join public.flow_steps s
      on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
    join public.flow_runs r on r.run_id = s.run_id
    join tidewire.step_definitions d
      on d.flow_version = s.flow_version and d.step_slug = s.step_slug
    cross join lateral tidewire.step_context(s.run_id, s.flow_version, s.step_slug, r.input)
      x (context)
    where s.status = 'completed' and d.cache_fresh is not null
    order by 1, 2, 3, 4
  ) o
  where o.key is not null
    and pg_catalog.pg_try_advisory_xact_lock(
      pg_catalog.hashtextextended(
        pg_catalog.concat_ws('/', o.flow_version, o.step_slug, o.owner, pg_catalog.encode(o.key, 'hex')), 0
      )
    )
  on conflict (flow_version, step_slug, owner, key) do update
    set output = excluded.output, run_id = excluded.run_id, stored_at = excluded.stored_at,
        fresh_until = excluded.fresh_until
    where c.fresh_until < excluded.fresh_until;
end
$$;
