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

-- Records that attempts failed. Each is tried again after a backoff while it may be and attempts
-- are left; otherwise its run fails.
--
-- running -> queued, scheduled or failed. p_failures: [{run_id, step_slug, item_index?,
-- lease_token, error, message, retryable, first_sequence?, chunks?}]: error is for operators,
-- message is shown to the owner. Answers retrying {available_in_ms, first_index?}, failed
-- {first_index?}, busy, lease_lost, cancelled, gap, invalid; then logged rows.
create function tidewire.fail_steps (
  p_worker_id uuid,
  p_failures jsonb
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
declare
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_failures);
  v_locked uuid[] := tidewire.lock_runs(array(select distinct k.run_id from pg_catalog.unnest(v_keys) k));
  v_appends tidewire.answer[] := tidewire.append_pending(interval '15 s', p_failures, '{}');
  v_failed tidewire.answer[];
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
    ),
    true
  );
  return query
  select
    f.ordinal, f.answer, f.run_id, f.step_slug,
    (f.detail - 'message' - 'attempt') || coalesce(a.detail, '{}')
  from pg_catalog.unnest(v_failed) f
  left join pg_catalog.unnest(v_appends) a on a.ordinal = f.ordinal;
  return query
  select *
  from tidewire.refused_writes(
    v_keys, array(select f.ordinal from pg_catalog.unnest(v_failed) f), v_appends, '{}', 'output'
  );
  return query select * from tidewire.log_failures(v_failed);
end
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

-- Decides for each failed attempt whether its step is tried again, and records it.
--
-- Answers retrying {available_in_ms, message, attempt} or failed {message, attempt}.
create function tidewire.record_failures (
  p_failures tidewire.failure[],
  p_backoff boolean
)
  returns tidewire.answer[]
  language plpgsql
  volatile
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_failed tidewire.answer[];
begin
  with judged as (
    select
      f.*, s.attempt,
      f.retryable and s.attempt < s.max_attempts as again,
      case when p_backoff
        then tidewire.backoff_delay(s.attempt, d.backoff_base, d.backoff_cap)
        else interval '0'
      end as delay
    from pg_catalog.unnest(p_failures) f
    join public.flow_steps s
      on s.run_id = f.run_id and s.step_slug = f.step_slug and s.item_index = f.item_index
    join tidewire.step_definitions d
      on d.flow_version = s.flow_version and d.step_slug = s.step_slug
    where s.status = 'running' and s.lease_token = f.lease_token
  ), recorded as (
    update public.flow_steps s
    set status = case
          when not j.again then 'failed'
          when j.delay > interval '0' then 'scheduled'
          else 'queued'
        end,
        available_at = v_now + j.delay,
        lease_expires_at = null,
        attempt_deadline_at = null,
        worker_id = null,
        error = j.error,
        finished_at = case when not j.again then v_now end
    from judged j
    where s.run_id = j.run_id
      and s.step_slug = j.step_slug
      and s.item_index = j.item_index
      and s.status = 'running'
      and s.lease_token = j.lease_token
    returning j.*
  )
  select pg_catalog.array_agg(
    (
      r.ordinal,
      case when r.again then 'retrying' else 'failed' end,
      r.run_id, r.step_slug,
      pg_catalog.jsonb_strip_nulls(
        pg_catalog.jsonb_build_object(
          'available_in_ms',
          case when r.again then pg_catalog.ceil(extract(epoch from r.delay) * 1000) end,
          'message', r.message,
          'attempt', r.attempt
        )
      )
    )::tidewire.answer
    order by r.ordinal
  )
  into v_failed
  from recorded r;
  return coalesce(v_failed, '{}');
end
$$;

-- Writes what the log says of failed attempts, and ends the runs that failed with them.
create function tidewire.log_failures (
  p_failed tidewire.answer[]
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_drafts tidewire.log_draft[];
  v_runs uuid[];
  v_reasons text[];
begin
  select pg_catalog.array_agg(
    (
      f.run_id, f.step_slug, (f.detail ->> 'attempt')::integer,
      tidewire.progress_chunk(
        f.step_slug, f.answer, (f.detail ->> 'attempt')::integer, f.detail ->> 'message'
      )
    )::tidewire.log_draft
    order by f.ordinal
  )
  into v_drafts
  from pg_catalog.unnest(p_failed) f;
  if v_drafts is null then
    return;
  end if;
  return query select * from tidewire.write_log(v_drafts);

  select pg_catalog.array_agg(e.run_id), pg_catalog.array_agg(e.message)
  into v_runs, v_reasons
  from (
    select distinct on (f.run_id) f.run_id, f.detail ->> 'message' as message
    from pg_catalog.unnest(p_failed) f
    where f.answer = 'failed'
    order by f.run_id, f.ordinal
  ) e;
  if v_runs is not null then
    return query select * from tidewire.end_runs(v_runs, 'failed', v_reasons);
  end if;
  if exists (select from pg_catalog.unnest(p_failed) f where f.answer = 'retrying') then
    perform tidewire.wake_workers();
  end if;
end
$$;

-- Takes steps from workers that let their lease expire: queued again at once while attempts are
-- left, otherwise their run fails.
--
-- running -> queued or failed. Expiry is judged by the wall clock under the run's lock; runs that
-- somebody else holds are left for the next call. Answers retrying and failed with null ordinals,
-- and logged rows, whose entries it has broadcast.
create function tidewire.rescue_expired_steps (
  p_limit integer
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
  set enable_seqscan = off
as $$
declare
  v_runs uuid[];
  v_expired tidewire.failure[];
  v_failed tidewire.answer[];
  v_logged tidewire.answer[];
begin
  v_runs := tidewire.lock_runs(
    array(
      select s.run_id
      from public.flow_steps s
      where s.status = 'running' and s.lease_expires_at < tidewire.wall_clock()
      limit p_limit
    )
  );
  select pg_catalog.array_agg(
    (
      0, s.run_id, s.step_slug, s.item_index, s.lease_token,
      pg_catalog.format('lease of worker %s expired at %s', s.worker_id, s.lease_expires_at),
      case
        when s.attempt_deadline_at < tidewire.wall_clock()
          then pg_catalog.format('step %s ran past its time limit', s.step_slug)
        else pg_catalog.format('step %s lost its worker', s.step_slug)
      end,
      true
    )::tidewire.failure
  )
  into v_expired
  from (
    select x.*
    from public.flow_steps x
    where x.run_id = any (v_runs)
      and x.status = 'running'
      and x.lease_expires_at < tidewire.wall_clock()
    for no key update skip locked
  ) s;
  if v_expired is null then
    return;
  end if;
  v_failed := tidewire.record_failures(v_expired, false);
  select pg_catalog.array_agg(l) into v_logged from tidewire.log_failures(v_failed) l;
  perform tidewire.broadcast_log(v_logged);
  return query
  select null::integer, f.answer, f.run_id, f.step_slug, f.detail
  from pg_catalog.unnest(v_failed) f;
  return query select * from pg_catalog.unnest(v_logged);
end
$$;
