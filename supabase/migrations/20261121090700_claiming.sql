-- How workers get steps and keep them.

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

-- A step that has just gone to sleep.
create type tidewire.slept_step as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  attempt integer,
  name text
);

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

-- The request items of a batched call: the step key and lease token of each, by position.
create type tidewire.leased_key as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  lease_token bigint
);

-- Reads the step keys of a batched call. item_index is -1 when absent.
create function tidewire.keys_of (
  p_items jsonb
)
  returns tidewire.leased_key[]
  language sql
  immutable
  set search_path = ''
as $$
  select coalesce(
    pg_catalog.array_agg(
      (
        (i.ordinality - 1)::integer, i.run_id, i.step_slug, coalesce(i.item_index, -1),
        i.lease_token
      )::tidewire.leased_key
      order by i.ordinality
    ),
    '{}'
  )
  from rows from (
    pg_catalog.jsonb_to_recordset(p_items)
      as (run_id uuid, step_slug text, item_index integer, lease_token bigint)
  ) with ordinality i
$$;

-- Why a write to a step was refused: cancelled, lease_lost or busy.
--
-- busy: the step is still the caller's, only its run or step row is held by somebody else.
create function tidewire.refusals (
  p_keys tidewire.leased_key[]
)
  returns setof tidewire.answer
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return query
  select
    k.ordinal,
    case
      when s.run_id is null or s.status = 'cancelled' then 'cancelled'
      when s.status = 'running' and s.lease_token = k.lease_token then 'busy'
      else 'lease_lost'
    end,
    k.run_id, k.step_slug, null::jsonb
  from pg_catalog.unnest(p_keys) k
  left join public.flow_steps s
    on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index;
end
$$;

-- Extends leases and says that the worker lives. Never waits for a row lock.
--
-- Not past one lease after the attempt's deadline. p_leases: [{run_id, step_slug, item_index?,
-- lease_token}], may be empty. Answers extended, busy, lease_lost or cancelled, one an item.
create function tidewire.extend_leases (
  p_worker_id uuid,
  p_lease interval,
  p_leases jsonb
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
declare
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_leases);
  v_now timestamptz := tidewire.wall_clock();
  v_extended integer[];
begin
  update tidewire.workers w
  set last_seen_at = v_now
  where w.worker_id in (
    select f.worker_id
    from tidewire.workers f
    where f.worker_id = p_worker_id
    for no key update skip locked
  );
  with held as (
    select k.ordinal, s.run_id, s.step_slug, s.item_index
    from pg_catalog.unnest(v_keys) k
    join public.flow_steps s
      on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
    where s.lease_expires_at is not null
      and s.lease_token = k.lease_token
      and s.attempt_deadline_at + p_lease > v_now
    for no key update of s skip locked
  ), extended as (
    update public.flow_steps s
    set lease_expires_at = least(v_now + p_lease, s.attempt_deadline_at + p_lease)
    from held h
    where s.run_id = h.run_id and s.step_slug = h.step_slug and s.item_index = h.item_index
    returning h.ordinal
  )
  select coalesce(pg_catalog.array_agg(e.ordinal), '{}') into v_extended from extended e;

  return query
  select k.ordinal, 'extended', k.run_id, k.step_slug, null::jsonb
  from pg_catalog.unnest(v_keys) k
  where k.ordinal = any (v_extended);
  return query
  select *
  from tidewire.refusals(
    array(select k from pg_catalog.unnest(v_keys) k where k.ordinal <> all (v_extended))
  );
end
$$;

-- Hands steps back without spending an attempt, as a worker does that shuts down.
--
-- running -> queued. p_steps: [{run_id, step_slug, item_index?, lease_token}].
-- Answers released, busy, lease_lost or cancelled.
create function tidewire.release_steps (
  p_worker_id uuid,
  p_steps jsonb
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
declare
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_steps);
  -- No step stops running but under its run's lock: appends rely on it.
  v_locked uuid[] := tidewire.lock_runs(array(select distinct k.run_id from pg_catalog.unnest(v_keys) k));
  v_released integer[];
begin
  with held as (
    select k.ordinal, s.run_id, s.step_slug, s.item_index
    from pg_catalog.unnest(v_keys) k
    join public.flow_steps s
      on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
    where s.lease_expires_at is not null
      and s.lease_token = k.lease_token
      and s.worker_id = p_worker_id
      and s.run_id = any (v_locked)
    for no key update of s skip locked
  ), released as (
    update public.flow_steps s
    set status = 'queued', attempt = s.attempt - 1, lease_expires_at = null,
        attempt_deadline_at = null, worker_id = null, available_at = tidewire.clock()
    from held h
    where s.run_id = h.run_id and s.step_slug = h.step_slug and s.item_index = h.item_index
    returning h.ordinal
  )
  select coalesce(pg_catalog.array_agg(r.ordinal), '{}') into v_released from released r;
  perform tidewire.wake_workers();

  return query
  select k.ordinal, 'released', k.run_id, k.step_slug, null::jsonb
  from pg_catalog.unnest(v_keys) k
  where k.ordinal = any (v_released);
  return query
  select *
  from tidewire.refusals(
    array(select k from pg_catalog.unnest(v_keys) k where k.ordinal <> all (v_released))
  );
end
$$;

-- Lets steps sleep: each is claimed again when its time has come, as the same attempt.
--
-- running -> scheduled. p_sleeps: [{run_id, step_slug, item_index?, lease_token, name, wait_ms}].
-- name is kept with the time of waking, so that the next claim knows what it has slept.
-- Answers slept {wait_ms}, busy, lease_lost or cancelled; then logged rows.
create function tidewire.sleep_steps (
  p_worker_id uuid,
  p_sleeps jsonb
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
declare
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_sleeps);
  v_locked uuid[] := tidewire.lock_runs(array(select distinct k.run_id from pg_catalog.unnest(v_keys) k));
  v_slept tidewire.slept_step[] := tidewire.put_to_sleep(
    p_worker_id, p_sleeps,
    array(select k from pg_catalog.unnest(v_keys) k where k.run_id = any (v_locked))
  );
begin
  return query
  select s.ordinal, 'slept', s.run_id, s.step_slug,
    pg_catalog.jsonb_build_object('wait_ms', p_sleeps -> s.ordinal -> 'wait_ms')
  from pg_catalog.unnest(v_slept) s;
  return query
  select *
  from tidewire.refusals(
    array(
      select k
      from pg_catalog.unnest(v_keys) k
      where k.ordinal <> all (array(select s.ordinal from pg_catalog.unnest(v_slept) s))
    )
  );
  return query
  select *
  from tidewire.settle_runs(
    '{}',
    array(
      select (
        s.run_id, s.step_slug, s.attempt,
        tidewire.progress_chunk(s.step_slug, 'waiting', s.attempt, 'sleeps: ' || s.name)
      )::tidewire.log_draft
      from pg_catalog.unnest(v_slept) s
      where s.item_index = -1
    )
  );
end
$$;

-- running -> scheduled, for the steps that the worker holds.
create function tidewire.put_to_sleep (
  p_worker_id uuid,
  p_sleeps jsonb,
  p_keys tidewire.leased_key[]
)
  returns tidewire.slept_step[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_slept tidewire.slept_step[];
begin
  with held as (
    select
      k.ordinal, s.run_id, s.step_slug, s.item_index, p_sleeps -> k.ordinal ->> 'name' as name,
      tidewire.clock() + (p_sleeps -> k.ordinal ->> 'wait_ms')::double precision * interval '1 ms'
        as wakes_at
    from pg_catalog.unnest(p_keys) k
    join public.flow_steps s
      on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
    where s.lease_expires_at is not null
      and s.lease_token = k.lease_token
      and s.worker_id = p_worker_id
    for no key update of s skip locked
  ), slept as (
    update public.flow_steps s
    set status = 'scheduled', attempt = s.attempt - 1, lease_expires_at = null,
        attempt_deadline_at = null, worker_id = null, available_at = h.wakes_at,
        sleeps = coalesce(s.sleeps, '{}') || pg_catalog.jsonb_build_object(h.name, h.wakes_at)
    from held h
    where s.run_id = h.run_id and s.step_slug = h.step_slug and s.item_index = h.item_index
    returning h.ordinal, s.run_id, s.step_slug, s.item_index, s.attempt + 1 as attempt, h.name
  )
  select pg_catalog.array_agg(s::tidewire.slept_step)
  into v_slept
  from (select * from slept) s;
  return coalesce(v_slept, '{}');
end
$$;
