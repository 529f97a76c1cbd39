-- How workers get steps.

-- Makes scheduled steps whose time has come ready: scheduled -> queued, at most p_limit.
create function tidewire.promote_scheduled (
  p_limit integer
)
  returns integer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_count integer;
begin
  with due as (
    select s.run_id, s.step_slug, s.item_index
    from public.flow_steps s
    where s.status = 'scheduled' and s.available_at <= tidewire.clock()
    order by s.available_at
    limit p_limit
    for no key update skip locked
  )
  update public.flow_steps s
  set status = 'queued', ready_at = tidewire.clock()
  from due d
  where s.run_id = d.run_id and s.step_slug = d.step_slug and s.item_index = d.item_index;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- Locks up to p_quantity ready steps, highest priority first, then oldest, none of the runs p_except.
--
-- One index range a pair of version and queue, best pair first: a single ordered scan over all of
-- them could not use the index. Steps that another claim holds are skipped, never waited for.
create function tidewire.lock_ready_steps (
  p_queues text[],
  p_versions text[],
  p_quantity integer,
  p_except uuid[]
)
  returns tidewire.step_key[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_line record;
  v_taken tidewire.step_key[] := '{}';
  v_more tidewire.step_key[];
begin
  for v_line in
    select v.version, q.queue
    from pg_catalog.unnest(p_versions) v (version)
    cross join pg_catalog.unnest(p_queues) q (queue)
    cross join lateral (
      select s.priority, s.available_at
      from public.flow_steps s
      where s.flow_version = v.version and s.queue = q.queue and s.status = 'queued'
      order by s.priority desc, s.available_at
      limit 1
    ) head
    order by head.priority desc, head.available_at
  loop
    select pg_catalog.array_agg((l.run_id, l.step_slug, l.item_index)::tidewire.step_key)
    into v_more
    from (
      select s.run_id, s.step_slug, s.item_index
      from public.flow_steps s
      where s.flow_version = v_line.version
        and s.queue = v_line.queue
        and s.status = 'queued'
        and s.run_id <> all (p_except)
      order by s.priority desc, s.available_at
      limit p_quantity - pg_catalog.cardinality(v_taken)
      for no key update skip locked
    ) l;
    v_taken := v_taken || coalesce(v_more, '{}');
    exit when pg_catalog.cardinality(v_taken) >= p_quantity;
  end loop;
  return v_taken;
end
$$;

-- What a claim says that found fewer steps than asked: whether ready ones were held by somebody
-- else, and when the next scheduled one is due.
create function tidewire.idle_answer (
  p_busy boolean
)
  returns setof tidewire.answer
  language sql
  stable
  set search_path = ''
as $$
  select
    null::integer, 'idle', null::uuid, null::text,
    pg_catalog.jsonb_build_object(
      'busy', p_busy,
      -- Never at once: a step that is due already is locked by somebody else.
      'next_available_in_ms', (
        select greatest(
          5, pg_catalog.ceil(extract(epoch from s.available_at - tidewire.clock()) * 1000)
        )
        from public.flow_steps s
        where s.status = 'scheduled'
        order by s.available_at
        limit 1
      )
    )
$$;

-- Where the next step of some queues stands.
create type tidewire.place_in_line as (
  priority integer,
  available_at timestamptz
);

-- The place of the ready step that goes before all others of these queues and versions.
create function tidewire.head_of_line (
  p_queues text[],
  p_versions text[]
)
  returns tidewire.place_in_line
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_head tidewire.place_in_line;
begin
  select head.priority, head.available_at
  into v_head
  from pg_catalog.unnest(p_versions) v (version)
  cross join pg_catalog.unnest(p_queues) q (queue)
  cross join lateral (
    select s.priority, s.available_at
    from public.flow_steps s
    where s.flow_version = v.version and s.queue = q.queue and s.status = 'queued'
    order by s.priority desc, s.available_at
    limit 1
  ) head
  order by head.priority desc, head.available_at
  limit 1;
  return v_head;
end
$$;

-- Leases up to p_quantity ready steps of p_queues to one worker, highest priority first, then
-- oldest; only of the versions it has.
--
-- queued -> running. Each claim raises attempt and lease_token by one; the token is the fencing
-- token that every later write must present. The first claim of a run makes it running.
-- Steps are locked before their runs, which is against the order, so both are taken with skip
-- locked: a step whose run is busy is left for the next call, and the idle row says busy.
-- Answers logged rows, claimed rows, and an idle row when fewer than p_quantity were found.
create function tidewire.claim_steps (
  p_worker_id uuid,
  p_queues text[],
  p_versions text[],
  p_lease interval,
  p_quantity integer
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
begin
  if coalesce(p_quantity, 0) <= 0 then
    return;
  end if;
  perform tidewire.keep_plans_fresh();
  perform tidewire.promote_scheduled(1000);
  return query
  select *
  from tidewire.carry_on(
    null, '{}',
    (p_worker_id, p_lease, p_queues, p_versions, p_quantity)::tidewire.claim
  );
end
$$;

-- What was leased from the lines, and whether ready steps were held by somebody else.
create type tidewire.from_line as (
  leased tidewire.step_key[],
  busy boolean
);

-- Leases ready steps from their lines. Items of a map do not lock their run: one busy map would
-- starve every claim.
create function tidewire.lease_from_line (
  p_claim tidewire.claim,
  p_quantity integer
)
  returns tidewire.from_line
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_ready tidewire.step_key[];
  v_runs uuid[];
  v_busy uuid[] := '{}';
  v_leased tidewire.step_key[] := '{}';
begin
  -- Again without the runs that somebody else holds, so that those at the head block nobody.
  for v_round in 1 .. 3 loop
    v_ready := tidewire.lock_ready_steps(
      (p_claim).queues, (p_claim).versions, p_quantity - pg_catalog.cardinality(v_leased), v_busy
    );
    exit when pg_catalog.cardinality(v_ready) = 0;
    v_runs := tidewire.lock_runs(
      array(select distinct k.run_id from pg_catalog.unnest(v_ready) k where k.item_index = -1)
    );
    v_leased := v_leased || tidewire.lease_steps(
      (p_claim).worker_id, (p_claim).lease, v_ready, v_runs
    );
    exit when pg_catalog.cardinality(v_leased) >= p_quantity;
    v_busy := v_busy || array(
      select distinct k.run_id
      from pg_catalog.unnest(v_ready) k
      where k.item_index = -1 and k.run_id <> all (v_runs)
    );
    exit when pg_catalog.cardinality(v_busy) = 0;
  end loop;
  return (v_leased, pg_catalog.cardinality(v_busy) > 0)::tidewire.from_line;
end
$$;

-- Puts steps that lock_ready_steps has locked under lease: items, and those whose runs are locked.
-- The database ends an attempt one lease after its deadline, whatever the heartbeat says.
create function tidewire.lease_steps (
  p_worker_id uuid,
  p_lease interval,
  p_ready tidewire.step_key[],
  p_runs uuid[]
)
  returns tidewire.step_key[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.wall_clock();
  v_leased tidewire.step_key[];
begin
  with leased as (
    update public.flow_steps s
    set status = 'running',
        attempt = s.attempt + 1,
        lease_token = s.lease_token + 1,
        lease_expires_at = v_now + p_lease,
        attempt_deadline_at = v_now + d.attempt_timeout,
        worker_id = p_worker_id,
        started_at = coalesce(s.started_at, v_now)
    from pg_catalog.unnest(p_ready) k, tidewire.step_definitions d
    where (k.item_index >= 0 or k.run_id = any (p_runs))
      and s.run_id = k.run_id
      and s.step_slug = k.step_slug
      and s.item_index = k.item_index
      and d.flow_version = s.flow_version
      and d.step_slug = s.step_slug
    returning s.run_id, s.step_slug, s.item_index
  )
  select coalesce(
    pg_catalog.array_agg((l.run_id, l.step_slug, l.item_index)::tidewire.step_key), '{}'
  )
  into v_leased
  from leased l;
  return v_leased;
end
$$;

-- "started", for steps that were just leased. Items of a map write no entries.
create function tidewire.started_drafts (
  p_steps tidewire.step_key[]
)
  returns tidewire.log_draft[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_drafts tidewire.log_draft[];
begin
  select pg_catalog.array_agg(
    (
      s.run_id, s.step_slug, s.attempt,
      -- As progress_chunk makes it, without the cost of the call.
      pg_catalog.jsonb_build_object(
        'type', 'data-progress', 'id', s.step_slug, 'data', pg_catalog.jsonb_build_object(
          'step', s.step_slug, 'status', 'started', 'attempt', s.attempt
        )
      )
    )::tidewire.log_draft
    order by k.place
  )
  into v_drafts
  from pg_catalog.unnest(p_steps) with ordinality k (run_id, step_slug, item_index, place)
  join public.flow_steps s
    on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
  where k.item_index = -1;
  return coalesce(v_drafts, '{}');
end
$$;

-- What a worker needs to execute leased steps: one claimed row each. The run's input and the
-- outputs of other steps come only where the step takes them.
create function tidewire.leased_steps (
  p_steps tidewire.step_key[]
)
  returns setof tidewire.answer
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_wall timestamptz := tidewire.wall_clock();
begin
  return query
  select
    null::integer, 'claimed', s.run_id, s.step_slug,
    pg_catalog.jsonb_build_object(
      'run_id', s.run_id, 'step_slug', s.step_slug, 'item_index', s.item_index,
      'flow_slug', r.flow_slug, 'flow_version', s.flow_version,
      'attempt', s.attempt, 'max_attempts', s.max_attempts, 'lease_token', s.lease_token,
      'timeout_ms', pg_catalog.ceil(extract(epoch from s.attempt_deadline_at - v_wall) * 1000),
      'user_id', r.user_id, 'thread_id', r.thread_id, 'message_id', r.message_id,
      'run_input', case when d.takes_input then r.input end,
      'inputs', coalesce(i.inputs, '{}'), 'item', s.item_input, 'sleeps', s.sleeps,
      'checkpoint', case when s.checkpoint_at is not null then
        pg_catalog.jsonb_build_object('data', s.checkpoint_data, 'index', s.checkpoint_index)
      end,
      'last_sequence', s.last_sequence, 'last_index', s.last_index,
      'open_parts', s.open_parts, 'broadcast', r.user_id is not null
    )
  from pg_catalog.unnest(p_steps) k
  join public.flow_steps s
    on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
  join public.flow_runs r on r.run_id = s.run_id
  join tidewire.step_definitions d
    on d.flow_version = s.flow_version and d.step_slug = s.step_slug
  left join lateral (
    select pg_catalog.jsonb_object_agg(o.step_slug, o.output) as inputs
    from tidewire.step_dependencies e
    join public.flow_steps o
      on o.run_id = s.run_id and o.step_slug = e.depends_on and o.item_index = -1
    where e.flow_version = s.flow_version
      and e.step_slug = s.step_slug
      and e.taken
      and o.status = 'completed'
  ) i on true
  where s.lease_expires_at is not null;
end
$$;
