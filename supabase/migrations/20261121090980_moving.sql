-- Moving runs to another version of their flow, and what operators look at: runs that nobody
-- serves, and steps that are out of attempts.

-- A step of a run, as another version of the flow finds it.
--   fate            settled: it has ended, and its row stays as it is; expanded: a map whose items
--                   go on; kept: it stays in its line, or scheduled; open: it waits, for
--                   remaining_deps or to be decided about; added; dropped; left: it has ended, and
--                   counts no more; stuck: it cannot move
--   remaining_deps  what it waits for by the definition it comes under
--   cascades        a settled step whose dependents are skipped with it
create type tidewire.laid_step as (
  step_slug text,
  fate text,
  remaining_deps integer,
  is_leaf boolean,
  cascades boolean
);

-- Moves active runs of a flow to another of its versions, oldest first, until p_limit have moved.
--
-- p_to_version: the current one when left out. p_from_version: every one that no live worker serves
-- when left out. A version may be shortened to its first 8 characters or more. Each run answers
-- moved; busy: a worker holds a step of it, or somebody else the run; or refused, with the reason:
-- a map is half done that the other version cannot go on with. Nothing is changed about those, and
-- they do not count for p_limit. Takes one run at a time, and never waits for a lock.
-- Raises PT404 TW003 for an unknown flow or version, PT400 TW001 for a version of another flow.
create function tidewire.move_runs (
  p_flow_slug text,
  p_to_version text default null,
  p_from_version text default null,
  p_limit integer default 500
)
  returns table (
    run_id uuid,
    answer text,
    reason text
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
  v_to text;
  v_from text[];
  v_moved integer := 0;
begin
  perform tidewire.keep_plans_fresh();
  if coalesce(p_limit, 0) < 1 then
    perform tidewire.refuse(
      400, 'TW001',
      pg_catalog.format('limit must be at least 1, got %s', coalesce(p_limit::text, 'nothing')),
      'Leave it out for 500.'
    );
  end if;
  v_to := tidewire.version_of_flow(p_flow_slug, p_to_version);
  v_from := case
    when p_from_version is null then tidewire.unserved_versions(p_flow_slug)
    else array[tidewire.version_of_flow(p_flow_slug, p_from_version)]
  end;
  for run_id in
    select r.run_id
    from public.flow_runs r
    where r.status in ('queued', 'running')
      and r.flow_version = any (v_from)
      and r.flow_version <> v_to
    order by r.created_at, r.run_id
  loop
    select m.answer, m.reason into answer, reason from tidewire.move_run(run_id, v_from, v_to) m;
    continue when answer is null;
    return next;
    v_moved := v_moved + (answer = 'moved')::integer;
    exit when v_moved >= p_limit;
  end loop;
  perform tidewire.wake_workers();
end
$$;

-- The whole name of a flow's version, of which p_version may be the beginning; the current one
-- when it is null.
create function tidewire.version_of_flow (
  p_flow_slug text,
  p_version text
)
  returns text
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_current text := (
    select f.current_version from tidewire.flows f where f.flow_slug = p_flow_slug
  );
  v_found text[];
  v_said text := pg_catalog.left(pg_catalog.quote_literal(p_version), 80);
begin
  if v_current is null then
    perform tidewire.refuse(
      404, 'TW003',
      pg_catalog.format('flow %s not found',
        coalesce(pg_catalog.left(pg_catalog.quote_literal(p_flow_slug), 80), 'null')),
      'Check the slug; a worker must have registered the flow.'
    );
  elsif p_version is null then
    return v_current;
  end if;
  v_found := array(
    select v.flow_version
    from tidewire.flow_versions v
    where v.flow_slug = p_flow_slug
      and (
        v.flow_version = p_version
        or (pg_catalog.length(p_version) >= 8 and pg_catalog.starts_with(v.flow_version, p_version))
      )
  );
  if pg_catalog.cardinality(v_found) > 1 then
    perform tidewire.refuse(
      400, 'TW001',
      pg_catalog.format('version %s must name one version of flow %s, got %s',
        v_said, p_flow_slug, pg_catalog.cardinality(v_found)),
      'Write more of it.'
    );
  elsif v_found = '{}' and exists (
    select from tidewire.flow_versions v where v.flow_version = p_version
  ) then
    perform tidewire.refuse(
      400, 'TW001',
      pg_catalog.format('version %s must be one of flow %s, got another flow''s',
        v_said, p_flow_slug),
      'A run moves between the versions of its own flow alone.'
    );
  elsif v_found = '{}' then
    perform tidewire.refuse(
      404, 'TW003', pg_catalog.format('version %s of flow %s not found', v_said, p_flow_slug),
      'Look it up in tidewire.flow_versions.'
    );
  end if;
  return v_found[1];
end
$$;

-- The versions of a flow that no live worker serves.
create function tidewire.unserved_versions (
  p_flow_slug text
)
  returns text[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select v.flow_version
    from tidewire.flow_versions v
    where v.flow_slug = p_flow_slug and not tidewire.is_served(v.flow_version)
  );
end
$$;

-- Moves one run, if it is still active and of one of the versions p_from. No answer when it is not.
create function tidewire.move_run (
  p_run_id uuid,
  p_from text[],
  p_to text,
  out answer text,
  out reason text
)
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_run public.flow_runs;
  v_plan tidewire.laid_step[];
begin
  if tidewire.lock_runs(array[p_run_id]) = '{}' then
    answer := 'busy';
    reason := 'somebody else holds the run';
    return;
  end if;
  select r.* into v_run
  from public.flow_runs r
  where r.run_id = p_run_id and r.status in ('queued', 'running') and r.flow_version = any (p_from);
  if not found then
    return;
  elsif not tidewire.hold_owner(v_run) or not tidewire.hold_open_steps(p_run_id) then
    answer := 'busy';
    reason := 'somebody else holds a step of the run, or its owner';
    return;
  end if;
  v_plan := tidewire.plan_move(v_run, p_to);
  reason := (
    select pg_catalog.format(
      'step %s is a map whose items are in progress, and the other version cannot go on with them',
      p.step_slug
    )
    from pg_catalog.unnest(v_plan) p
    where p.fate = 'stuck'
    order by p.step_slug
    limit 1
  );
  if reason is not null then
    answer := 'refused';
    return;
  end if;
  perform tidewire.bring_over(v_run, p_to, v_plan);
  answer := 'moved';
end
$$;

-- Makes sure that the owner and the thread of a run are not being deleted.
--
-- A move writes the run's row twice, and the second time checks what it refers to. Without this it
-- would wait for whoever deletes the owner, who in turn waits for the run.
create function tidewire.hold_owner (
  p_run public.flow_runs
)
  returns boolean
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  if (p_run).user_id is not null and pg_catalog.has_any_column_privilege('auth.users', 'UPDATE') then
    perform from auth.users u where u.id = (p_run).user_id for key share skip locked;
    if not found then
      return false;
    end if;
  end if;
  if (p_run).thread_id is not null then
    perform
    from public.flow_threads t
    where t.user_id = (p_run).user_id and t.thread_id = (p_run).thread_id
    for key share skip locked;
    return found;
  end if;
  return true;
end
$$;

-- Locks the steps of a run that have not ended, items too. Whether no worker holds any of them: not
-- under a lease, and not in a claim that is just being made.
create function tidewire.hold_open_steps (
  p_run_id uuid
)
  returns boolean
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_held integer;
begin
  perform
  from public.flow_steps s
  where s.run_id = p_run_id and s.finished_at is null
  order by s.step_slug, s.item_index
  for no key update skip locked;
  get diagnostics v_held = row_count;
  -- A statement of its own, which sees what was committed until now.
  return (
    select pg_catalog.count(*) = v_held and pg_catalog.count(s.lease_expires_at) = 0
    from public.flow_steps s
    where s.run_id = p_run_id and s.finished_at is null
  );
end
$$;

-- What becomes of each step of a run under another version. Changes nothing.
--
-- A step that was not begun and has a condition or a cache that it had not before is decided about
-- again. Dependencies count as open until they have settled, and also when they were skipped in a
-- way that takes their dependents along.
create function tidewire.plan_move (
  p_run public.flow_runs,
  p_to text
)
  returns tidewire.laid_step[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    with steps as (
      select s.*, tidewire.skips_dependents(s) as cascades
      from public.flow_steps s
      where s.run_id = (p_run).run_id and s.item_index = -1
    ), laid as (
      select
        coalesce(s.step_slug, d.step_slug) as step_slug, d.is_leaf, d.map_over, s.status,
        s.finished_at, s.total_items, coalesce(s.cascades, false) as cascades, o.deps,
        d.step_slug is null as gone, s.step_slug is null as new,
        d.map_over is not null or (
          s.started_at is null and tidewire.decides_otherwise(s.flow_version, p_to, s.step_slug)
        ) as undecided
      from steps s
      full join (select * from tidewire.step_definitions d where d.flow_version = p_to) d
        on d.step_slug = s.step_slug
      cross join lateral (
        select pg_catalog.count(*)::integer as deps
        from tidewire.step_dependencies e
        left join steps n on n.step_slug = e.depends_on
        where e.flow_version = p_to
          and e.step_slug = d.step_slug
          and (n.finished_at is null or n.cascades)
      ) o
    )
    select (
      l.step_slug,
      case
        when l.finished_at is not null and l.gone then 'left'
        when l.finished_at is not null then 'settled'
        when l.total_items is not null and (l.gone or l.map_over is null or l.deps > 0) then 'stuck'
        when l.total_items is not null then 'expanded'
        when l.gone then 'dropped'
        when l.new then 'added'
        when l.status in ('queued', 'scheduled') and l.deps = 0 and not l.undecided then 'kept'
        else 'open'
      end,
      l.deps, l.is_leaf, l.cascades
    )::tidewire.laid_step
    from laid l
  );
end
$$;

-- Whether a step was skipped in a way that skips whatever depends on it.
create function tidewire.skips_dependents (
  p_step public.flow_steps
)
  returns boolean
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return (p_step).status = 'skipped' and (
    -- Without a reason of its own it went with what it depends on.
    (p_step).error is null
    or exists (
      select
      from tidewire.step_definitions d
      where d.flow_version = (p_step).flow_version
        and d.step_slug = (p_step).step_slug
        and 'skip_dependents' = case
          when (p_step).attempt > 0 or (p_step).total_items is not null then d.on_exhausted
          else d.otherwise
        end
    )
  );
end
$$;

-- Whether a step has a condition or a cache in one version that it has not in the other.
create function tidewire.decides_otherwise (
  p_from text,
  p_to text,
  p_step_slug text
)
  returns boolean
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return exists (
    select
    from tidewire.step_definitions n
    left join tidewire.step_definitions o on o.flow_version = p_from and o.step_slug = n.step_slug
    where n.flow_version = p_to
      and n.step_slug = p_step_slug
      and (n.condition is not null or n.cache_fresh is not null)
      and (n.condition::text, n.cache_scope, n.cache_key::text)
        is distinct from (o.condition::text, o.cache_scope, o.cache_key::text)
  );
end
$$;

-- Brings a run under another version as planned, and lets it go on. The caller holds the run and
-- its open steps.
create function tidewire.bring_over (
  p_run public.flow_runs,
  p_to text,
  p_plan tidewire.laid_step[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  -- Before the steps are gone whose parts are open.
  v_drafts tidewire.log_draft[] := tidewire.move_drafts(p_run, p_to, p_plan);
  v_settled tidewire.settled_step[];
  v_logged tidewire.answer[];
begin
  perform tidewire.lay_open_steps(p_run, p_to, p_plan);
  perform tidewire.lay_new_steps(p_run, p_to, p_plan);
  -- Settled once more: leaves, so that a run of which nothing is left completes, and those that
  -- skip what depends on them by this version.
  v_settled := array(
    select (null, s.run_id, s.step_slug, p_to, p.cascades, s.available_at)::tidewire.settled_step
    from pg_catalog.unnest(p_plan) p
    join public.flow_steps s
      on s.run_id = (p_run).run_id and s.step_slug = p.step_slug and s.item_index = -1
    where p.fate = 'settled' and (p.is_leaf or p.cascades)
  );
  update public.flow_runs r
  set flow_version = p_to,
      remaining_steps = pg_catalog.cardinality(v_settled) + (
        select pg_catalog.count(*)
        from pg_catalog.unnest(p_plan) p
        where p.fate in ('expanded', 'kept', 'open', 'added')
      )
  where r.run_id = (p_run).run_id;
  select pg_catalog.array_agg(l)
  into v_logged
  from tidewire.carry_on(
    (v_settled, v_drafts, '{}')::tidewire.consequences,
    array(
      select ((p_run).run_id, p.step_slug, -1)::tidewire.step_key
      from pg_catalog.unnest(p_plan) p
      where p.fate in ('open', 'added') and p.remaining_deps = 0 and not (p_run).held
    ),
    null
  ) l;
  perform tidewire.broadcast_log(v_logged);
end
$$;

-- What the log says of a move: parts are closed that nobody goes on with, and steps that were
-- begun and exist no more are skipped.
create function tidewire.move_drafts (
  p_run public.flow_runs,
  p_to text,
  p_plan tidewire.laid_step[]
)
  returns tidewire.log_draft[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select (s.run_id, s.step_slug, s.attempt, e.chunk)::tidewire.log_draft
    from pg_catalog.unnest(p_plan) p
    join public.flow_steps s
      on s.run_id = (p_run).run_id and s.step_slug = p.step_slug and s.item_index = -1
    left join tidewire.step_definitions d
      on d.flow_version = p_to and d.step_slug = p.step_slug
    cross join lateral (
      select c.chunk, c.place
      from tidewire.closing_chunks(s.open_parts) with ordinality c (chunk, place)
      union all
      select
        tidewire.progress_chunk(
          s.step_slug, 'skipped', s.attempt, 'the flow has no such step any more'),
        1000000
      where p.fate = 'dropped' and s.started_at is not null
    ) e
    where p.fate = 'dropped' or (p.fate = 'open' and d.map_over is not null)
    order by s.step_slug, e.place
  );
end
$$;

-- Lays the steps anew that have not ended, by the definition of another version. What they have
-- done so far stays with them: attempts, checkpoints, sleeps and lease tokens.
--
-- queued, scheduled -> waiting, where they wait for something or are decided about again. A step
-- always has an attempt left, also when the other version allows fewer than were made.
create function tidewire.lay_open_steps (
  p_run public.flow_runs,
  p_to text,
  p_plan tidewire.laid_step[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  update public.flow_steps s
  set flow_version = p_to,
      queue = d.queue,
      priority = d.priority + (p_run).priority,
      max_attempts = greatest(d.max_attempts, s.attempt + 1),
      status = case when p.fate = 'open' then 'waiting' else s.status end,
      remaining_deps = case when s.item_index = -1 then p.remaining_deps else 0 end,
      ready_at = case when p.fate = 'open' then null else s.ready_at end,
      open_parts = case when d.map_over is not null then '[]' else s.open_parts end
  from pg_catalog.unnest(p_plan) p
  join tidewire.step_definitions d on d.flow_version = p_to and d.step_slug = p.step_slug
  where s.run_id = (p_run).run_id
    and s.step_slug = p.step_slug
    and s.finished_at is null
    and p.fate in ('expanded', 'kept', 'open');
  delete from public.flow_steps s
  using pg_catalog.unnest(p_plan) p
  where s.run_id = (p_run).run_id and s.step_slug = p.step_slug and p.fate = 'dropped';
end
$$;

-- Adds the steps that another version has and the run has not.
--
-- Their lease tokens begin at the time: a step of that name may have been dropped by an earlier
-- move, and tokens never restart.
create function tidewire.lay_new_steps (
  p_run public.flow_runs,
  p_to text,
  p_plan tidewire.laid_step[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  -- As if they had become ready with the last step that did.
  v_line_at timestamptz := coalesce(
    (
      select pg_catalog.max(s.available_at)
      from public.flow_steps s
      where s.run_id = (p_run).run_id and s.item_index = -1 and s.finished_at is not null
    ),
    greatest((p_run).created_at, (p_run).start_at)
  );
begin
  insert into public.flow_steps (
    run_id, step_slug, flow_version, queue, priority, status, remaining_deps, max_attempts,
    available_at, lease_token, created_at
  )
  select
    (p_run).run_id, d.step_slug, p_to, d.queue, d.priority + (p_run).priority, 'waiting',
    p.remaining_deps, d.max_attempts, v_line_at,
    (extract(epoch from tidewire.wall_clock()) * 1000)::bigint, v_now
  from pg_catalog.unnest(p_plan) p
  join tidewire.step_definitions d on d.flow_version = p_to and d.step_slug = p.step_slug
  where p.fate = 'added';
end
$$;

create index flow_runs_failed on public.flow_runs (finished_at) where status = 'failed';

-- Active runs that no live worker can go on with, because none serves their version. Workers are
-- looked up once a version, not once a run.
create view tidewire.stranded_runs
with (security_invoker = true)
as
with unserved as materialized (
  select v.flow_version, v.label
  from tidewire.flow_versions v
  where not tidewire.is_served(v.flow_version)
)
select
  r.run_id, r.flow_slug, r.flow_version, u.label, r.user_id, r.created_at, r.deadline_at
from public.flow_runs r
join unserved u on u.flow_version = r.flow_version
where r.status in ('queued', 'running');

-- Steps that are out of attempts, or failed for good, and have taken their run along.
-- replayed_by: the newest run that was made to do it again.
create view tidewire.dead_letters
with (security_invoker = true)
as
select
  s.run_id, r.flow_slug, s.flow_version, s.step_slug, s.item_index, s.attempt, s.error,
  s.finished_at, r.user_id,
  (
    select n.run_id
    from public.flow_runs n
    where n.origin_run_id = r.run_id
    order by n.created_at desc, n.run_id desc
    limit 1
  ) as replayed_by
from public.flow_runs r
join public.flow_steps s on s.run_id = r.run_id
where r.status = 'failed' and s.status = 'failed';
