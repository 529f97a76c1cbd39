-- Doing many failed runs again at once, after what made them fail was repaired.

-- Does failed runs of any owner again, each as tidewire.retry_run_for does without a step, longest
-- failed first, until p_limit runs have been made. For trusted code.
--
-- p_flow_slug, p_step_slug: only runs of this flow, with a dead letter of this step. p_since: only
-- those that failed since then. Left out is a run that another was made of, unless that one was
-- cancelled: when it failed as well, it is itself a dead letter, and has finished more. Left out is
-- also a run whose thread is busy or has gone on since, so that nothing is taken back that was said
-- after it, and one that cannot be done again. Never waits for a lock: what somebody holds, another
-- replay for instance, is left out as well. Safe to repeat. Raises PT400 TW001 for a limit below 1.
create function tidewire.replay_dead_letters (
  p_flow_slug text default null,
  p_step_slug text default null,
  p_since timestamptz default null,
  p_limit integer default 100
)
  returns table (
    origin uuid,
    run_id uuid
  )
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_made integer := 0;
begin
  perform tidewire.keep_plans_fresh();
  if coalesce(p_limit, 0) < 1 then
    perform tidewire.refuse(
      400, 'TW001',
      pg_catalog.format('limit must be at least 1, got %s', coalesce(p_limit::text, 'nothing')),
      'Leave it out for 100.'
    );
  end if;
  for origin in
    select r.run_id
    from public.flow_runs r
    where r.status = 'failed'
      and r.finished_at >= coalesce(p_since, '-infinity')
      and (p_flow_slug is null or r.flow_slug = p_flow_slug)
      and exists (
        select
        from public.flow_steps s
        where s.run_id = r.run_id and s.status = 'failed'
          and (p_step_slug is null or s.step_slug = p_step_slug)
      )
      and not tidewire.is_repeated(r.run_id)
    order by r.finished_at, r.run_id
  loop
    run_id := tidewire.replay_run(origin);
    continue when run_id is null;
    return next;
    v_made := v_made + 1;
    exit when v_made >= p_limit;
  end loop;
end
$$;

-- Whether a run was made to do another one again, and not cancelled.
create function tidewire.is_repeated (
  p_run_id uuid
)
  returns boolean
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return exists (
    select
    from public.flow_runs n
    where n.origin_run_id = p_run_id and n.status <> 'cancelled'
  );
end
$$;

-- Does one failed run again and returns the new run's id; null when it is left out. A run that is
-- refused keeps no lock and stops no other.
create function tidewire.replay_run (
  p_run_id uuid
)
  returns uuid
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_run public.flow_runs;
begin
  if not tidewire.hold_dead_run(p_run_id) then
    return null;
  end if;
  -- A statement of its own, which sees what was committed before the lock.
  select r.* into v_run from public.flow_runs r where r.run_id = p_run_id and r.status = 'failed';
  if not found or tidewire.is_repeated(p_run_id) or tidewire.has_gone_on(v_run) then
    return null;
  end if;
  return (
    tidewire.repeat_run(v_run, ('retry', null, null, null)::tidewire.repetition) ->> 'run_id'
  )::uuid;
exception
  -- A later version of the flow, or a thread that got busy: nothing is left to redo, or not now.
  when sqlstate 'PT400' or sqlstate 'PT409' then
    return null;
end
$$;

-- Holds the owner, the thread and the row of a run, in the order in which users' calls take them.
-- Whether nobody else held any; never waits, as the caller holds those of other runs already.
create function tidewire.hold_dead_run (
  p_run_id uuid
)
  returns boolean
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_owner uuid;
  v_thread_id text;
begin
  select r.user_id, r.thread_id
  into v_owner, v_thread_id
  from public.flow_runs r
  where r.run_id = p_run_id;
  if v_owner is not null and pg_catalog.has_any_column_privilege('auth.users', 'UPDATE') then
    perform from auth.users u where u.id = v_owner for key share skip locked;
    if not found then
      return false;
    end if;
  end if;
  if v_thread_id is not null then
    perform
    from public.flow_threads t
    where t.user_id = v_owner and t.thread_id = v_thread_id
    for no key update skip locked;
    if not found then
      return false;
    end if;
  end if;
  perform from public.flow_runs r where r.run_id = p_run_id for update skip locked;
  return found;
end
$$;

-- Whether the conversation that a run answered in was carried on without its answer: something was
-- said after it, or took its place.
create function tidewire.has_gone_on (
  p_run public.flow_runs
)
  returns boolean
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return (p_run).thread_id is not null and exists (
    select
    from public.flow_messages a
    where a.user_id = (p_run).user_id
      and a.thread_id = (p_run).thread_id
      and a.message_id = (p_run).message_id
      and (
        a.superseded_by is not null
        or exists (
          select
          from public.flow_messages m
          where m.user_id = a.user_id and m.thread_id = a.thread_id and m.position > a.position
            and m.superseded_by is null
        )
      )
  );
end
$$;
