-- How attempts fail: tried again after a backoff, failed finally, or taken from a dead worker.

-- How long failed attempt number p_attempt waits: full jitter below base * 2^(attempt - 1), capped.
create function tidewire.backoff_delay (
  p_attempt integer,
  p_base interval,
  p_cap interval
)
  returns interval
  language sql
  volatile
  set search_path = ''
as $$
  select pg_catalog.make_interval(
    secs => pg_catalog.random() * least(
      extract(epoch from p_cap)::double precision,
      extract(epoch from p_base)::double precision * pg_catalog.power(2, least(p_attempt, 64) - 1)
    )
  )
$$;

-- One failed attempt, as it is recorded.
create type tidewire.failure as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  lease_token bigint,
  error text,
  message text,
  retryable boolean
);

-- What a failed attempt means for its step.
--   fate   retrying, fail, skip or skip_dependents; for an item of a map that is not tried again: item
--   delay  until the next attempt
create type tidewire.failed_attempt as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  flow_version text,
  attempt integer,
  open_parts jsonb,
  line_at timestamptz,
  fate text,
  message text,
  delay interval
);

-- Records that attempts failed. Each is tried again after a backoff while it may be and attempts
-- are left; otherwise its run fails, or the step is skipped if it says so.
--
-- running -> queued, scheduled, failed or skipped. p_failures: [{run_id, step_slug, item_index?,
-- lease_token, error, message, retryable, first_sequence?, chunks?}]: error is for operators,
-- message is shown to the owner. Answers retrying {available_in_ms, first_index?}, failed, skipped,
-- busy, lease_lost, cancelled, gap, invalid; then logged rows.
create function tidewire.fail_steps (
  p_worker_id uuid,
  p_failures jsonb
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
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_failures);
  v_locked uuid[] := tidewire.lock_runs(array(select distinct k.run_id from pg_catalog.unnest(v_keys) k));
  v_maps tidewire.step_key[] := tidewire.lock_maps(v_keys);
  v_appends tidewire.answer[] := tidewire.append_pending(interval '15 s', p_failures, '{}');
  v_failed tidewire.failed_attempt[];
begin
  v_failed := tidewire.record_failures(
    array(
      select (
        k.ordinal, k.run_id, k.step_slug, k.item_index, k.lease_token,
        pg_catalog.left(coalesce(p_failures -> k.ordinal ->> 'error', ''), 8192),
        pg_catalog.left(
          coalesce(p_failures -> k.ordinal ->> 'message', 'step ' || k.step_slug || ' failed'), 1000
        ),
        coalesce((p_failures -> k.ordinal ->> 'retryable')::boolean, true)
      )::tidewire.failure
      from pg_catalog.unnest(v_keys) k
      where k.run_id = any (v_locked)
        and k.ordinal <> all (tidewire.refused_ordinals(v_appends))
        and (
          k.item_index = -1
          or (k.run_id, k.step_slug) in (
            select m.run_id, m.step_slug from pg_catalog.unnest(v_maps) m
          )
        )
    ),
    true
  );
  return query
  select f.ordinal, tidewire.failure_answer(f.fate), f.run_id, f.step_slug,
    tidewire.failure_detail(f) || coalesce(a.detail, '{}')
  from pg_catalog.unnest(v_failed) f
  left join pg_catalog.unnest(v_appends) a on a.ordinal = f.ordinal;
  return query
  select *
  from tidewire.refused_writes(
    v_keys, array(select f.ordinal from pg_catalog.unnest(v_failed) f), v_appends, '{}', 'output'
  );
  return query select * from tidewire.carry_on(tidewire.failures(v_failed), '{}', null);
end
$$;

-- How a fate is answered to the worker.
create function tidewire.failure_answer (
  p_fate text
)
  returns text
  language sql
  immutable
  set search_path = ''
as $$
  select case p_fate
    when 'retrying' then 'retrying'
    when 'skip' then 'skipped'
    when 'skip_dependents' then 'skipped'
    else 'failed'
  end
$$;

-- What goes with that answer: when the step is tried again.
create function tidewire.failure_detail (
  p_failed tidewire.failed_attempt
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select case
    when (p_failed).fate = 'retrying' then pg_catalog.jsonb_build_object(
      'available_in_ms', pg_catalog.ceil(extract(epoch from (p_failed).delay) * 1000)
    )
    else '{}'
  end
$$;

-- Decides for each failed attempt whether its step is tried again, and records it.
--
-- The caller holds the runs' locks, and for items those of their maps.
create function tidewire.record_failures (
  p_failures tidewire.failure[],
  p_backoff boolean
)
  returns tidewire.failed_attempt[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_failed tidewire.failed_attempt[];
begin
  with judged as (
    select
      f.*, s.attempt, s.open_parts,
      case
        when f.retryable and s.attempt < s.max_attempts then 'retrying'
        when f.item_index >= 0 then 'item'
        else d.on_exhausted
      end as fate,
      case when p_backoff
        then tidewire.backoff_delay(s.attempt, d.backoff_base, d.backoff_cap)
        else interval '0'
      end as delay
    from pg_catalog.unnest(p_failures) f
    join public.flow_steps s
      on s.run_id = f.run_id and s.step_slug = f.step_slug and s.item_index = f.item_index
    join tidewire.step_definitions d
      on d.flow_version = s.flow_version and d.step_slug = s.step_slug
    where s.lease_expires_at is not null and s.lease_token = f.lease_token
  ), recorded as (
    update public.flow_steps s
    set status = case
          when j.fate = 'retrying' and j.delay > interval '0' then 'scheduled'
          when j.fate = 'retrying' then 'queued'
          when j.fate in ('skip', 'skip_dependents') then 'skipped'
          else 'failed'
        end,
        available_at = case
          when j.fate = 'retrying' then v_now + j.delay
          else s.available_at
        end,
        lease_expires_at = null,
        attempt_deadline_at = null,
        worker_id = null,
        error = j.error,
        open_parts = case when j.fate in ('skip', 'skip_dependents') then '[]' else s.open_parts end,
        finished_at = case when j.fate <> 'retrying' then v_now end
    from judged j
    where s.run_id = j.run_id
      and s.step_slug = j.step_slug
      and s.item_index = j.item_index
      and s.lease_expires_at is not null
      and s.lease_token = j.lease_token
    returning j.*, s.flow_version, s.available_at
  )
  select pg_catalog.array_agg(
    (
      r.ordinal, r.run_id, r.step_slug, r.item_index, r.flow_version, r.attempt, r.open_parts,
      r.available_at, r.fate, r.message, r.delay
    )::tidewire.failed_attempt
    order by r.ordinal
  )
  into v_failed
  from recorded r;
  return coalesce(v_failed, '{}');
end
$$;

-- What follows from failed attempts: what the log says, what is skipped, which runs fail.
create function tidewire.failures (
  p_failed tidewire.failed_attempt[]
)
  returns tidewire.consequences
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_items tidewire.consequences := tidewire.settle_items(
    array(
      select (
        f.ordinal, f.run_id, f.step_slug, f.item_index, f.flow_version, f.attempt, '[]', f.line_at,
        false, false, true
      )::tidewire.finished_step
      from pg_catalog.unnest(p_failed) f
      where f.fate = 'item'
    )
  );
begin
  return (
    array(
      select (f.ordinal, f.run_id, f.step_slug, f.flow_version, f.fate = 'skip_dependents', f.line_at)
        ::tidewire.settled_step
      from pg_catalog.unnest(p_failed) f
      where f.fate in ('skip', 'skip_dependents')
    ) || (v_items).settled,
    tidewire.failure_drafts(p_failed) || (v_items).drafts,
    array(
      select distinct on (f.run_id) (f.run_id, false, 0, 'failed', f.message, null)::tidewire.run_change
      from pg_catalog.unnest(p_failed) f
      where f.fate = 'fail'
      order by f.run_id, f.ordinal
    ) || (v_items).changes
  )::tidewire.consequences;
end
$$;

-- What the log says of failed attempts. A step that is skipped ends the parts it left open; for
-- one that is tried again they stay, and the end of a run closes all of them.
create function tidewire.failure_drafts (
  p_failed tidewire.failed_attempt[]
)
  returns tidewire.log_draft[]
  language sql
  stable
  set search_path = ''
as $$
  select array(
    select (f.run_id, f.step_slug, f.attempt, e.chunk)::tidewire.log_draft
    from pg_catalog.unnest(p_failed) f
    cross join lateral (
      select 0 as rank, c.place, c.chunk
      from tidewire.closing_chunks(f.open_parts) with ordinality c (chunk, place)
      where f.fate in ('skip', 'skip_dependents')
      union all
      select
        1, 1,
        tidewire.progress_chunk(
          f.step_slug, tidewire.failure_answer(f.fate), f.attempt, f.message
        )
    ) e
    where f.item_index = -1
    order by f.ordinal, e.rank, e.place
  )
$$;

-- Takes steps from workers that let their lease expire: queued again at once while attempts are
-- left, otherwise as fail_steps does.
--
-- running -> queued, failed or skipped. Expiry is judged by the wall clock under the run's lock;
-- runs and maps that somebody else holds are left for the next call. One run that cannot be rescued
-- keeps no other from it: it is warned of, and ends at its deadline. Answers retrying, failed and
-- skipped with null ordinals, and logged rows, whose entries it has broadcast.
create function tidewire.rescue_expired_steps (
  p_limit integer
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
  v_run uuid;
  v_answers tidewire.answer[] := '{}';
  v_runs uuid[] := array(
    select distinct e.run_id
    from (
      select s.run_id
      from public.flow_steps s
      where s.status = 'running' and s.lease_expires_at < tidewire.wall_clock()
      limit p_limit
    ) e
  );
begin
  begin
    v_answers := tidewire.rescue_runs(v_runs, p_limit);
  exception
    when others then
      foreach v_run in array v_runs loop
        begin
          v_answers := v_answers || tidewire.rescue_runs(array[v_run], p_limit);
        exception
          when others then
            raise warning 'steps of run % cannot be rescued: % (%)', v_run, sqlerrm, sqlstate;
        end;
      end loop;
  end;
  return query select * from pg_catalog.unnest(v_answers);
end
$$;

-- Rescues at most p_limit steps of some runs, and answers as rescue_expired_steps does.
create function tidewire.rescue_runs (
  p_runs uuid[],
  p_limit integer
)
  returns tidewire.answer[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_runs uuid[] := tidewire.lock_runs(p_runs);
  v_keys tidewire.leased_key[] := tidewire.expired_keys(v_runs, p_limit);
  v_maps tidewire.step_key[] := tidewire.lock_maps(v_keys);
  v_failed tidewire.failed_attempt[] := tidewire.record_failures(
    tidewire.expiries(v_keys, v_maps), false
  );
  v_logged tidewire.answer[];
begin
  if pg_catalog.cardinality(v_failed) = 0 then
    return '{}';
  end if;
  v_logged := array(select l from tidewire.carry_on(tidewire.failures(v_failed), '{}', null) l);
  perform tidewire.broadcast_log(v_logged);
  perform tidewire.wake_workers();
  return array(
    select (
      null, tidewire.failure_answer(f.fate), f.run_id, f.step_slug, tidewire.failure_detail(f)
    )::tidewire.answer
    from pg_catalog.unnest(v_failed) f
  ) || v_logged;
end
$$;

-- Locks the steps of these runs whose lease has expired. Those that somebody else holds are left.
create function tidewire.expired_keys (
  p_runs uuid[],
  p_limit integer
)
  returns tidewire.leased_key[]
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  return array(
    select (0, s.run_id, s.step_slug, s.item_index, s.lease_token)::tidewire.leased_key
    from (
      select x.*
      from public.flow_steps x
      where x.run_id = any (p_runs)
        and x.status = 'running'
        and x.lease_expires_at < tidewire.wall_clock()
      limit p_limit
      for no key update skip locked
    ) s
  );
end
$$;

-- Expired leases as failures. Items whose map somebody else holds are left out.
create function tidewire.expiries (
  p_keys tidewire.leased_key[],
  p_maps tidewire.step_key[]
)
  returns tidewire.failure[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select (
      0, s.run_id, s.step_slug, s.item_index, s.lease_token,
      pg_catalog.format('lease of worker %s expired at %s', s.worker_id, s.lease_expires_at),
      case
        when s.attempt_deadline_at < tidewire.wall_clock()
          then pg_catalog.format('step %s ran past its time limit', s.step_slug)
        else pg_catalog.format('step %s lost its worker', s.step_slug)
      end,
      true
    )::tidewire.failure
    from pg_catalog.unnest(p_keys) k
    join public.flow_steps s
      on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
    where k.item_index = -1
      or (k.run_id, k.step_slug) in (select m.run_id, m.step_slug from pg_catalog.unnest(p_maps) m)
  );
end
$$;
