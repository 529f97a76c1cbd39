-- How leases are kept, given back, and laid down to sleep.

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

-- A step that has just gone to sleep.
create type tidewire.slept_step as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  attempt integer,
  name text
);

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
