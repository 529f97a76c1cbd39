-- How steps end: completed, failed for now, failed for good, or taken from a dead worker.

-- A step that was just completed or failed, as the functions below hand it on.
create type tidewire.finished_step as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  flow_version text,
  attempt integer,
  open_parts jsonb
);

-- Completes many steps at once, starts what depends on them, ends runs that have no step left,
-- and leases the worker its next steps: one round trip, one commit.
--
-- running -> completed; dependents waiting -> queued; the run -> completed at its last step.
-- p_completions: [{run_id, step_slug, item_index?, lease_token, output, first_sequence?, chunks?}];
-- chunks go to the log before the completion. Answers, one an item: completed {first_index?},
-- duplicate (completed before under this token), busy, lease_lost, cancelled, gap, invalid
-- {reason}: output over 1 MiB. Then logged rows, and what claim_steps answers.
create function tidewire.complete_steps (
  p_worker_id uuid,
  p_completions jsonb,
  p_lease interval,
  p_claim_queues text[],
  p_claim_versions text[],
  p_claim_quantity integer
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
declare
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_completions);
  v_large integer[] := tidewire.too_large(p_completions, 'output');
  v_locked uuid[] := tidewire.lock_runs(array(select distinct k.run_id from pg_catalog.unnest(v_keys) k));
  v_appends tidewire.answer[] := tidewire.append_pending(p_lease, p_completions, v_large);
  v_done tidewire.finished_step[];
  v_ordinals integer[];
begin
  v_done := tidewire.record_outputs(
    p_completions, v_keys, v_locked, v_large || tidewire.refused_ordinals(v_appends)
  );
  v_ordinals := array(select d.ordinal from pg_catalog.unnest(v_done) d);
  return query
  select d.ordinal, 'completed', d.run_id, d.step_slug, a.detail
  from pg_catalog.unnest(v_done) d
  left join pg_catalog.unnest(v_appends) a on a.ordinal = d.ordinal;
  return query
  select
    r.ordinal,
    case
      when r.answer = 'lease_lost' and s.status = 'completed'
        and s.lease_token = (p_completions -> r.ordinal ->> 'lease_token')::bigint
        then 'duplicate'
      else r.answer
    end,
    r.run_id, r.step_slug, r.detail
  from tidewire.refused_writes(v_keys, v_ordinals, v_appends, v_large, 'output') r
  left join public.flow_steps s
    on s.run_id = r.run_id and s.step_slug = r.step_slug
    and s.item_index = coalesce((p_completions -> r.ordinal ->> 'item_index')::integer, -1);

  if pg_catalog.cardinality(v_done) > 0 then
    return query select * from tidewire.advance_runs(v_done);
  end if;
  return query
  select *
  from tidewire.claim_steps(
    p_worker_id, p_claim_queues, p_claim_versions, p_lease, p_claim_quantity
  );
end
$$;

-- running -> completed, for the steps whose runs are locked and whose lease is the caller's.
create function tidewire.record_outputs (
  p_completions jsonb,
  p_keys tidewire.leased_key[],
  p_locked uuid[],
  p_except integer[]
)
  returns tidewire.finished_step[]
  language plpgsql
  volatile
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_done tidewire.finished_step[];
begin
  with items as (
    select (i.ordinality - 1)::integer as ordinal, coalesce(i.value -> 'output', 'null') as output
    from pg_catalog.jsonb_array_elements(p_completions) with ordinality i
  ), held as (
    select k.*, i.output, s.open_parts
    from pg_catalog.unnest(p_keys) k
    join items i using (ordinal)
    join public.flow_steps s
      on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
    where k.run_id = any (p_locked) and k.ordinal <> all (p_except)
  ), done as (
    update public.flow_steps s
    set status = 'completed', output = h.output, lease_expires_at = null,
        attempt_deadline_at = null, worker_id = null, error = null, open_parts = '[]',
        finished_at = tidewire.clock()
    from held h
    where s.run_id = h.run_id
      and s.step_slug = h.step_slug
      and s.item_index = h.item_index
      and s.status = 'running'
      and s.lease_token = h.lease_token
    returning
      h.ordinal, s.run_id, s.step_slug, s.item_index, s.flow_version, s.attempt, h.open_parts
  )
  select pg_catalog.array_agg(d::tidewire.finished_step order by d.ordinal)
  into v_done
  from (select * from done) d;
  return coalesce(v_done, '{}');
end
$$;

-- Moves runs on after steps of theirs were completed: dependents, log, and the end of the run.
create function tidewire.advance_runs (
  p_done tidewire.finished_step[]
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_ready integer;
  v_completed uuid[];
begin
  with settled as (
    select d.run_id, e.step_slug, pg_catalog.count(*)::integer as deps
    from pg_catalog.unnest(p_done) d
    join tidewire.step_dependencies e
      on e.flow_version = d.flow_version and e.depends_on = d.step_slug
    group by d.run_id, e.step_slug
  )
  update public.flow_steps s
  set remaining_deps = s.remaining_deps - t.deps,
      status = case when s.remaining_deps = t.deps then 'queued' else s.status end,
      available_at = tidewire.clock(),
      ready_at = case when s.remaining_deps = t.deps then tidewire.clock() end
  from settled t
  where s.run_id = t.run_id and s.step_slug = t.step_slug and s.item_index = -1
    and s.status = 'waiting';
  get diagnostics v_ready = row_count;

  with counted as (
    select d.run_id, pg_catalog.count(*)::integer as steps
    from pg_catalog.unnest(p_done) d
    where d.item_index = -1
    group by d.run_id
  ), moved as (
    update public.flow_runs r
    set remaining_steps = r.remaining_steps - c.steps,
        status = case when r.remaining_steps = c.steps then 'completed' else r.status end,
        output = case when r.remaining_steps = c.steps then tidewire.run_output(r.run_id) end,
        finished_at = case when r.remaining_steps = c.steps then tidewire.clock() end
    from counted c
    where r.run_id = c.run_id
    returning r.run_id, r.status
  )
  select coalesce(pg_catalog.array_agg(m.run_id), '{}')
  into v_completed
  from moved m
  where m.status = 'completed';

  return query select * from tidewire.write_log(tidewire.completion_drafts(p_done, v_completed));
  perform tidewire.pass_the_turn(v_completed);
  if v_ready > 0 then
    perform tidewire.wake_workers();
  end if;
end
$$;

-- The output of a run whose steps are all done: its only leaf's output, or an object by leaf.
create function tidewire.run_output (
  p_run_id uuid
)
  returns jsonb
  language plpgsql
  stable
  set search_path = ''
  set enable_seqscan = off
as $$
declare
  v_outputs jsonb;
  v_leaves integer;
begin
  select
    pg_catalog.jsonb_object_agg(s.step_slug, s.output) filter (where s.output is not null),
    pg_catalog.count(*)
  into v_outputs, v_leaves
  from public.flow_runs r
  join tidewire.step_definitions d on d.flow_version = r.flow_version and d.is_leaf
  join public.flow_steps s
    on s.run_id = r.run_id and s.step_slug = d.step_slug and s.item_index = -1
  where r.run_id = p_run_id;
  if v_leaves = 1 then
    return (select o.value from pg_catalog.jsonb_each(v_outputs) o);
  end if;
  return coalesce(v_outputs, '{}');
end
$$;

-- What the log says of completed steps: open parts closed, the step completed, its output if it
-- is published (a summary over 200,000 bytes), and finish for the runs that completed with them.
create function tidewire.completion_drafts (
  p_done tidewire.finished_step[],
  p_completed uuid[]
)
  returns tidewire.log_draft[]
  language plpgsql
  stable
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_drafts tidewire.log_draft[];
begin
  with entries as (
    select d.run_id, d.step_slug, d.attempt, c.chunk, d.ordinal, 0 as rank, c.place
    from pg_catalog.unnest(p_done) d,
      tidewire.closing_chunks(d.open_parts) with ordinality c (chunk, place)
    where d.open_parts <> '[]'
    union all
    select
      d.run_id, d.step_slug, d.attempt,
      tidewire.progress_chunk(d.step_slug, 'completed', d.attempt), d.ordinal, 1, 0
    from pg_catalog.unnest(p_done) d
    where d.item_index = -1
    union all
    select
      d.run_id, d.step_slug, d.attempt,
      pg_catalog.jsonb_build_object(
        'type', 'data-' || d.step_slug,
        'id', d.step_slug,
        'data', case
          when pg_catalog.octet_length(s.output::text) <= 200000 then s.output
          else pg_catalog.jsonb_build_object(
            'truncated', true,
            'bytes', pg_catalog.octet_length(s.output::text),
            'summary', pg_catalog.left(s.output::text, 1000)
          )
        end
      ),
      d.ordinal, 2, 0
    from pg_catalog.unnest(p_done) d
    join tidewire.step_definitions p
      on p.flow_version = d.flow_version and p.step_slug = d.step_slug and p.publishes
    join public.flow_steps s
      on s.run_id = d.run_id and s.step_slug = d.step_slug and s.item_index = -1
    where d.item_index = -1
    union all
    select
      c.run_id, null, null, '{"type": "finish", "finishReason": "stop"}', 2147483647, 3, 0
    from pg_catalog.unnest(p_completed) c (run_id)
  )
  select pg_catalog.array_agg(
    (e.run_id, e.step_slug, e.attempt, e.chunk)::tidewire.log_draft
    order by e.ordinal, e.rank, e.place
  )
  into v_drafts
  from entries e;
  return v_drafts;
end
$$;

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
