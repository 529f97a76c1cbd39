-- What must happen whatever dies: called by every worker, and by pg_cron where it exists.

-- Ends runs that are past their deadline: queued, running -> failed. At most p_limit. One that cannot
-- be ended keeps no other from it.
create function tidewire.end_overdue_runs (
  p_limit integer
)
  returns integer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_run uuid;
  v_count integer := 0;
  v_runs uuid[] := array(
    select r.run_id
    from public.flow_runs r
    where r.status in ('queued', 'running') and r.deadline_at < tidewire.clock()
    order by r.deadline_at
    limit p_limit
  );
begin
  begin
    return tidewire.end_at_deadline(v_runs);
  exception
    when others then
      foreach v_run in array v_runs loop
        begin
          v_count := v_count + tidewire.end_at_deadline(array[v_run]);
        exception
          when others then
            raise warning 'run % cannot be ended: % (%)', v_run, sqlerrm, sqlstate;
        end;
      end loop;
  end;
  return v_count;
end
$$;

-- Ends these runs, as far as they are active and nobody else holds them. Returns how many.
create function tidewire.end_at_deadline (
  p_runs uuid[]
)
  returns integer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_runs uuid[] := tidewire.lock_runs(p_runs);
  v_reasons text[];
  v_logged tidewire.answer[];
begin
  select
    pg_catalog.array_agg(r.run_id),
    pg_catalog.array_agg(
      case
        when tidewire.is_served(r.flow_version) then 'the run took longer than its deadline allows'
        else 'the run was not finished before its deadline: no worker serves its version of the flow'
      end
    )
  into v_runs, v_reasons
  from public.flow_runs r
  where r.run_id = any (v_runs) and r.status in ('queued', 'running');
  if v_runs is null then
    return 0;
  end if;
  select pg_catalog.array_agg(l)
  into v_logged
  from tidewire.end_runs(v_runs, 'failed', v_reasons) l;
  perform tidewire.broadcast_log(v_logged);
  return pg_catalog.cardinality(v_runs);
end
$$;

-- Passes the turn in threads whose active run has ended and which somebody waits for.
create function tidewire.promote_held_runs (
  p_limit integer
)
  returns integer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_ended uuid[];
begin
  select pg_catalog.array_agg(e.run_id)
  into v_ended
  from (
    select distinct a.run_id
    from public.flow_runs h
    join public.flow_threads t on t.user_id = h.user_id and t.thread_id = h.thread_id
    join public.flow_runs a on a.run_id = t.active_run_id
    where h.held and a.status not in ('queued', 'running')
    limit p_limit
  ) e;
  if v_ended is null then
    return 0;
  end if;
  perform tidewire.pass_the_turn(v_ended);
  return pg_catalog.cardinality(v_ended);
end
$$;

-- Does one kind of maintenance and counts what it did. What fails is rolled back, warned of and
-- counted as 0: one run that cannot be folded must not keep all others from being rescued.
create function tidewire.maintain_one (
  p_kind text,
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
  case p_kind
    when 'rescued' then
      select pg_catalog.count(*)
      into v_count
      from tidewire.rescue_expired_steps(p_limit) r
      where r.answer in ('retrying', 'failed', 'skipped');
    when 'overdue' then
      v_count := tidewire.end_overdue_runs(p_limit);
    when 'promoted' then
      v_count := tidewire.promote_scheduled(p_limit);
      if v_count > 0 then
        perform tidewire.wake_workers();
      end if;
    when 'turns' then
      v_count := tidewire.promote_held_runs(p_limit);
    when 'folded' then
      v_count := tidewire.fold_messages(null, least(p_limit, 50));
    when 'forgotten' then
      delete from tidewire.cache c
      where c.ctid = any (
        array(
          select o.ctid
          from tidewire.cache o
          where o.fresh_until < tidewire.clock()
          order by o.fresh_until
          limit p_limit
          for update skip locked
        )
      );
      get diagnostics v_count = row_count;
    when 'workers' then
      delete from tidewire.workers w
      where w.last_seen_at < tidewire.clock() - interval '1 day'
        and not exists (
          select from public.flow_steps s where s.status = 'running' and s.worker_id = w.worker_id
        );
      get diagnostics v_count = row_count;
  end case;
  return v_count;
exception
  when others then
    raise warning 'tidewire.maintain: % failed: % (%)', p_kind, sqlerrm, sqlstate;
    return 0;
end
$$;

-- Brings every run nearer to its end: rescues expired leases, ends overdue runs, makes scheduled
-- steps ready, passes turns in threads, folds finished logs, forgets cached outputs that are not fresh
-- any more and workers gone for a day.
--
-- In an order in which no run is updated twice: a second update in one transaction would wait for
-- whoever deletes the run's owner, and that deletion for this. Bounded by p_limit a kind; call it again while any count equals the limit. Safe to run anywhere
-- at any time. Returns the counts {rescued, overdue, promoted, turns, folded, forgotten,
-- workers}.
create function tidewire.maintain (
  p_limit integer default 500
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
declare
  v_kind text;
  v_counts jsonb := '{}';
begin
  perform tidewire.keep_plans_fresh();
  foreach v_kind in array array[
    'folded', 'overdue', 'rescued', 'promoted', 'turns', 'forgotten', 'workers'
  ] loop
    v_counts := v_counts
      || pg_catalog.jsonb_build_object(v_kind, tidewire.maintain_one(v_kind, p_limit));
  end loop;
  return v_counts;
end
$$;
