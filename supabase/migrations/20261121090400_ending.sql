-- How runs end, other than by completing: failed or cancelled. And whose turn it is in a thread.

-- Ends active runs: their steps are cancelled, open parts closed, one terminal entry written.
--
-- queued, running -> p_status (failed or cancelled). p_reasons holds one safe text a run: the
-- run's error, or the reason of the abort. p_drafts and p_changes are of these and of other runs,
-- and come before. Runs that have ended already are left alone. The caller holds the runs' locks.
-- Answers logged rows.
create function tidewire.end_runs (
  p_run_ids uuid[],
  p_status text,
  p_reasons text[],
  p_drafts tidewire.log_draft[] default '{}',
  p_changes tidewire.run_change[] default '{}'
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_changes tidewire.run_change[];
  v_ended uuid[];
begin
  select
    coalesce(
      pg_catalog.array_agg(
        (e.run_id, false, 0, p_status, case when p_status = 'failed' then e.reason end, null)
          ::tidewire.run_change
      ),
      '{}'
    ),
    coalesce(pg_catalog.array_agg(e.run_id), '{}')
  into v_changes, v_ended
  from rows from (pg_catalog.unnest(p_run_ids), pg_catalog.unnest(p_reasons)) e (run_id, reason)
  join public.flow_runs r on r.run_id = e.run_id and r.status in ('queued', 'running');

  return query
  select *
  from tidewire.settle_runs(
    -- What else ends these runs gives way, so that their rows have the reason that their logs have.
    array(
      select c from pg_catalog.unnest(p_changes) c where c.status is distinct from p_status
    ) || v_changes,
    p_drafts || tidewire.ending_drafts(v_ended, p_run_ids, p_status, p_reasons)
  );
  update public.flow_steps s
  set status = 'cancelled', lease_expires_at = null, attempt_deadline_at = null,
      worker_id = null, open_parts = '[]', finished_at = tidewire.clock()
  where s.run_id = any (v_ended)
    and s.status in ('waiting', 'scheduled', 'queued', 'running');
  update public.flow_steps s
  set open_parts = '[]'
  where s.run_id = any (v_ended) and s.open_parts <> '[]';
  perform tidewire.pass_the_turn(v_ended);
end
$$;

-- The entries that end the logs of runs which have not completed: parts closed, then error or abort.
create function tidewire.ending_drafts (
  p_ended uuid[],
  p_run_ids uuid[],
  p_status text,
  p_reasons text[]
)
  returns tidewire.log_draft[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_drafts tidewire.log_draft[];
begin
  with entries as (
    select s.run_id, s.step_slug, s.attempt, c.chunk, 0 as rank, c.place
    from public.flow_steps s
    cross join lateral tidewire.closing_chunks(s.open_parts) with ordinality c (chunk, place)
    where s.run_id = any (p_ended) and s.open_parts <> '[]'
    union all
    select
      e.run_id, null, null,
      case p_status
        when 'failed' then pg_catalog.jsonb_build_object('type', 'error', 'errorText', e.reason)
        else pg_catalog.jsonb_build_object('type', 'abort', 'reason', e.reason)
      end,
      1, 1
    from rows from (pg_catalog.unnest(p_run_ids), pg_catalog.unnest(p_reasons)) e (run_id, reason)
    where e.run_id = any (p_ended)
  )
  select pg_catalog.array_agg(
    (n.run_id, n.step_slug, n.attempt, n.chunk)::tidewire.log_draft
    order by n.rank, n.step_slug, n.place
  )
  into v_drafts
  from entries n;
  return coalesce(v_drafts, '{}');
end
$$;

-- Gives the threads of ended runs to the run that waits longest in each.
--
-- Threads and runs that somebody else holds are skipped, never waited for: whoever ends them
-- passes the turn itself, and maintain() sweeps up.
create function tidewire.pass_the_turn (
  p_run_ids uuid[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_thread record;
  v_next uuid;
begin
  for v_thread in
    select t.user_id, t.thread_id, t.active_run_id
    from (
      select r.run_id, r.user_id, r.thread_id
      from public.flow_runs r
      where r.run_id = any (p_run_ids) and r.finished_at is not null
      offset 0 -- by their ids, whatever the planner thinks of the owner's other runs
    ) e
    join public.flow_threads t
      on t.user_id = e.user_id and t.thread_id = e.thread_id and t.active_run_id = e.run_id
    for no key update of t skip locked
  loop
    v_next := tidewire.take_turns(v_thread.user_id, v_thread.thread_id, v_thread.active_run_id);
    update public.flow_threads t
    set active_run_id = v_next, updated_at = tidewire.clock()
    where t.user_id = v_thread.user_id
      and t.thread_id = v_thread.thread_id
      and t.active_run_id is distinct from v_next;
  end loop;
end
$$;

-- Lets the run go that waits longest in a thread, and while each ends at once, the next. Returns
-- the one that has the turn; null when nobody waits; an ended one when some are left for maintain().
--
-- The thread names the ended run until then, so that the end of each of these passes no turn by
-- itself: calls within calls, one a run, would be more than the stack holds.
create function tidewire.take_turns (
  p_user_id uuid,
  p_thread_id text,
  p_ended uuid
)
  returns uuid
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_last uuid := p_ended;
  v_next uuid;
  v_goes_on boolean := false;
begin
  for v_turn in 1 .. 20 loop
    select r.run_id
    into v_next
    from public.flow_runs r
    where r.user_id::text = p_user_id::text and r.thread_id = p_thread_id and r.held
    order by r.created_at
    limit 1
    for no key update skip locked;
    exit when v_next is null;
    update public.flow_runs r set held = false where r.run_id = v_next;
    perform tidewire.release_roots(v_next);
    v_last := v_next;
    v_goes_on := exists (
      select from public.flow_runs r where r.run_id = v_next and r.finished_at is null
    );
    exit when v_goes_on;
  end loop;
  -- The one that waits may be locked: then the thread keeps the ended run, and so is found again.
  return case
    when v_goes_on or exists (
      select
      from public.flow_runs r
      where r.user_id::text = p_user_id::text and r.thread_id = p_thread_id and r.held
    ) then v_last
  end;
end
$$;

-- Lets a run go that waited for its thread's turn: its first steps become ready, or wait for the
-- run's start.
create function tidewire.release_roots (
  p_run_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_logged tidewire.answer[];
begin
  select pg_catalog.array_agg(l)
  into v_logged
  from tidewire.carry_on(
    null,
    array(
      select (s.run_id, s.step_slug, s.item_index)::tidewire.step_key
      from public.flow_steps s
      where s.run_id = p_run_id and s.status = 'waiting' and s.remaining_deps = 0
    ),
    null
  ) l;
  perform tidewire.broadcast_log(v_logged);
  perform tidewire.wake_workers();
end
$$;

-- Cancels a run of the signed-in user; its worker stops within one heartbeat or append.
--
-- queued, running -> cancelled. A run that has ended stays as it is: the answer says its status.
-- Raises PT401 TW007 when nobody is signed in, PT404 TW003 for a run that is not the caller's.
create function public.cancel_run (
  run_id uuid
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
#variable_conflict use_column
declare
  v_owner uuid := tidewire.signed_in_user();
  v_status text;
  v_logged tidewire.answer[];
begin
  perform tidewire.keep_plans_fresh();
  perform tidewire.hold_user(v_owner);
  select r.status
  into v_status
  from public.flow_runs r
  where r.run_id = cancel_run.run_id and r.user_id = v_owner
  for no key update;
  if not found then
    perform tidewire.refuse_unknown_run(cancel_run.run_id);
  end if;

  if v_status in ('queued', 'running') then
    select pg_catalog.array_agg(l)
    into v_logged
    from tidewire.end_runs(array[cancel_run.run_id], 'cancelled', array['cancelled']) l;
    perform tidewire.broadcast_log(v_logged);
    v_status := 'cancelled';
  end if;
  return pg_catalog.jsonb_build_object('run_id', cancel_run.run_id, 'status', v_status);
end
$$;

-- The id of the signed-in user. Raises PT401 TW007 when there is none, or not any more.
create function tidewire.signed_in_user ()
  returns uuid
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is null or not exists (select from auth.users u where u.id = v_user_id) then
    perform tidewire.refuse(
      401, 'TW007', 'this call needs a signed-in user',
      'Sign in, and send the access token as the bearer token.'
    );
  end if;
  return v_user_id;
end
$$;

-- Refuses a run id that names nothing the caller may see. Somebody else's reads the same.
create function tidewire.refuse_unknown_run (
  p_run_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform tidewire.refuse(
    404, 'TW003', pg_catalog.format('run %s not found', coalesce(p_run_id::text, 'null')),
    'Check the id, and that you are signed in as the user who started the run.'
  );
end
$$;
