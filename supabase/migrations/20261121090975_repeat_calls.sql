-- Who may have an ended run done again, and the calls by which they do.

-- The run that is to be done again.
--
-- Raises PT404 TW003 when there is none, PT409 TW005 while it is active.
create function tidewire.ended_run (
  p_run_id uuid
)
  returns public.flow_runs
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_run public.flow_runs;
begin
  select r.* into v_run from public.flow_runs r where r.run_id = p_run_id;
  if not found then
    perform tidewire.refuse_unknown_run(p_run_id);
  end if;
  if v_run.status in ('queued', 'running') then
    perform tidewire.refuse(
      409, 'TW005', pg_catalog.format('run %s is still active', p_run_id),
      'Wait for its end, or cancel it first.'
    );
  end if;
  return v_run;
end
$$;

-- Refuses a run that the signed-in user may not do again: somebody else's, or of a flow that is not
-- open to users. Both read as if there were no such run.
create function tidewire.check_repeatable_by_user (
  p_run_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_owner uuid := tidewire.signed_in_user();
begin
  if not exists (
    select
    from public.flow_runs r
    join tidewire.flows f on f.flow_slug = r.flow_slug
    join tidewire.flow_versions v on v.flow_version = f.current_version
    where r.run_id = p_run_id and r.user_id = v_owner and v.access = 'authenticated'
  ) then
    perform tidewire.refuse_unknown_run(p_run_id);
  end if;
end
$$;

-- Does an ended run of any owner again, from a step or from what it had not finished. For trusted
-- code.
--
-- Answers and raises as public.retry_run does; a flow with access = service is open here.
create function tidewire.retry_run_for (
  p_run_id uuid,
  p_from_step text default null,
  p_idempotency_key text default null
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
begin
  perform tidewire.check_start('{}', null, p_idempotency_key);
  return tidewire.repeat_run(
    tidewire.ended_run(p_run_id),
    ('retry', p_from_step, null, p_idempotency_key)::tidewire.repetition
  );
end
$$;

-- Does the streaming steps of an ended run of any owner again, and what depends on them. For
-- trusted code.
--
-- Answers and raises as public.regenerate does; a flow with access = service is open here.
create function tidewire.regenerate_for (
  p_run_id uuid,
  p_input jsonb default null,
  p_idempotency_key text default null
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
begin
  perform tidewire.check_start(coalesce(p_input, '{}'), null, p_idempotency_key);
  return tidewire.repeat_run(
    tidewire.ended_run(p_run_id),
    ('regenerate', null, p_input, p_idempotency_key)::tidewire.repetition
  );
end
$$;

-- Does an ended run of the caller's again, as a new run: from_step and all that depends on it or,
-- without from_step, what a failed or cancelled run had not finished.
--
-- The rest is taken over. The origin stays as it is; in a thread the new run's answer takes the
-- place of its answer and of all that came after. Returns {run_id, message_id, status, created};
-- repeating the call with its idempotency_key returns the first run. Raises PT400 TW001 for a step
-- that the flow lacks, when nothing is left to redo, or when the message that the run answers was
-- superseded, PT401 TW007 not signed in, PT404 TW003 unknown run, PT409 TW004 same key for
-- something else, PT409 TW005 the run or its thread is active.
create function public.retry_run (
  run_id uuid,
  from_step text default null,
  idempotency_key text default null
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
begin
  perform tidewire.check_repeatable_by_user(run_id);
  return tidewire.retry_run_for(run_id, from_step, idempotency_key);
end
$$;

-- Does the steps of an ended run of the caller's that stream again, and what depends on them, as a
-- new run with the same input or another. What they were prepared with is taken over.
--
-- Returns and raises as public.retry_run does, TW001 also for a flow in which no step streams and
-- for an input that start_run would not take, and PT413 TW006 for one over the limit.
create function public.regenerate (
  run_id uuid,
  input jsonb default null,
  idempotency_key text default null
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
begin
  perform tidewire.check_repeatable_by_user(run_id);
  return tidewire.regenerate_for(run_id, input, idempotency_key);
end
$$;
