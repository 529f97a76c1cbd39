-- How runs move on: what becomes ready when steps are settled, what is claimed with it, and how
-- runs complete.

-- What became of the dependents of settled steps.
create type tidewire.moved as (
  leased tidewire.step_key[],
  undecided tidewire.step_key[],
  settled tidewire.settled_step[],
  queued integer
);

-- Carries runs on after something happened to their steps, and leases steps to p_claim: first
-- those that became ready by this, as far as it is their turn, then others of the same queues.
--
-- p_ready: steps without open dependencies about which nothing is decided yet. p_claim may be null.
-- The caller holds the runs' locks. Works in rounds, as many as steps in a row are settled without
-- a worker: what is skipped, empty or in the cache settles its dependents in turn.
-- Answers logged rows, claimed rows, and an idle row when p_claim got less than it asked for.
create function tidewire.carry_on (
  p_first tidewire.consequences,
  p_ready tidewire.step_key[],
  p_claim tidewire.claim
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_all tidewire.consequences := (
    coalesce((p_first).settled, '{}'), coalesce((p_first).drafts, '{}'),
    coalesce((p_first).changes, '{}')
  )::tidewire.consequences;
  v_round tidewire.settled_step[] := (v_all).settled;
  v_undecided tidewire.step_key[] := p_ready;
  v_leased tidewire.step_key[] := '{}';
  v_quantity integer := coalesce((p_claim).quantity, 0);
  v_queued integer := 0;
  v_moved tidewire.moved;
  v_decided tidewire.consequences;
begin
  while pg_catalog.cardinality(v_round) > 0 or pg_catalog.cardinality(v_undecided) > 0 loop
    v_moved := tidewire.move_dependents(
      v_round, p_claim, v_quantity - pg_catalog.cardinality(v_leased)
    );
    v_leased := v_leased || (v_moved).leased;
    v_queued := v_queued + (v_moved).queued;
    v_round := (v_moved).settled;
    v_all.settled := (v_all).settled || v_round;
    v_all.drafts := (v_all).drafts || tidewire.skipped_drafts(v_round);
    v_undecided := v_undecided || (v_moved).undecided;
    if pg_catalog.cardinality(v_undecided) > 0 then
      v_decided := tidewire.decide_steps(v_undecided);
      v_round := v_round || (v_decided).settled;
      v_all.settled := (v_all).settled || (v_decided).settled;
      v_all.drafts := (v_all).drafts || (v_decided).drafts;
      v_all.changes := (v_all).changes || (v_decided).changes;
      v_undecided := '{}';
      v_queued := v_queued + 1;
    end if;
  end loop;
  return query select * from tidewire.conclude(v_all, v_leased, p_claim);
  if v_queued > 0 then
    perform tidewire.wake_workers();
  end if;
end
$$;

-- The last part of carry_on: fills the claim unless a run fails, writes runs and logs, and answers.
create function tidewire.conclude (
  p_all tidewire.consequences,
  p_leased tidewire.step_key[],
  p_claim tidewire.claim
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_changes tidewire.run_change[] := (p_all).changes || tidewire.run_progress((p_all).settled);
  v_drafts tidewire.log_draft[] := (p_all).drafts || tidewire.finish_drafts(v_changes);
  v_asked integer := coalesce((p_claim).quantity, 0);
  v_leased tidewire.step_key[] := p_leased;
  v_line tidewire.from_line;
  v_fails boolean := false;
begin
  -- Whoever ends a run waits for those who hold its steps, and so must hold no item of another.
  if pg_catalog.cardinality((p_all).changes) > 0 then
    v_fails := exists (select from pg_catalog.unnest((p_all).changes) c where c.status = 'failed');
  end if;
  if v_asked > pg_catalog.cardinality(v_leased) and not v_fails then
    v_line := tidewire.lease_from_line(p_claim, v_asked - pg_catalog.cardinality(v_leased));
    v_leased := v_leased || (v_line).leased;
  end if;
  v_drafts := v_drafts || tidewire.started_drafts(v_leased);
  v_changes := v_changes || array(
    select (k.run_id, true, 0, null, null, null)::tidewire.run_change
    from pg_catalog.unnest(v_leased) k
    where k.item_index = -1
  );
  return query select * from tidewire.write_changes(v_changes, v_drafts);
  if pg_catalog.cardinality(v_leased) > 0 then
    perform tidewire.end_idleness((p_claim).worker_id);
    return query select * from tidewire.leased_steps(v_leased);
  end if;
  if pg_catalog.cardinality(v_leased) < v_asked then
    return query select * from tidewire.idle_answer(coalesce((v_line).busy, v_fails));
  end if;
end
$$;

-- Writes what changes about runs and what their logs say, ends those that fail, and passes the turn
-- of those that complete. Answers logged rows.
create function tidewire.write_changes (
  p_changes tidewire.run_change[],
  p_drafts tidewire.log_draft[]
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_failed uuid[];
  v_reasons text[];
  v_completed uuid[];
begin
  -- A run ends once, for its first reason, however many of its steps fail together.
  select pg_catalog.array_agg(f.run_id), pg_catalog.array_agg(f.error)
  into v_failed, v_reasons
  from (
    select distinct on (c.run_id) c.run_id, c.error
    from pg_catalog.unnest(p_changes)
      with ordinality c (run_id, starts, steps, status, error, output, place)
    where c.status = 'failed'
    order by c.run_id, c.place
  ) f;
  if v_failed is not null then
    return query
    select * from tidewire.end_runs(v_failed, 'failed', v_reasons, p_drafts, p_changes);
  elsif pg_catalog.cardinality(p_changes) > 0 or pg_catalog.cardinality(p_drafts) > 0 then
    return query select * from tidewire.settle_runs(p_changes, p_drafts);
  end if;
  v_completed := array(
    select c.run_id from pg_catalog.unnest(p_changes) c where c.status = 'completed'
  );
  if pg_catalog.cardinality(v_completed) > 0 then
    perform tidewire.pass_the_turn(v_completed);
  end if;
end
$$;

-- Tells the dependents of settled steps. One that has no open dependency left is leased to p_claim
-- at once when no step in line goes before it, else queued; one about which more is to be decided
-- is handed back; one that is skipped with its dependency is settled in turn.
--
-- waiting -> running, queued, skipped, or waiting with fewer dependencies: one update a step.
create function tidewire.move_dependents (
  p_settled tidewire.settled_step[],
  p_claim tidewire.claim,
  p_quantity integer
)
  returns tidewire.moved
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_wall timestamptz := tidewire.wall_clock();
  v_head tidewire.place_in_line;
  v_moved tidewire.moved;
begin
  if p_quantity > 0 then
    v_head := tidewire.head_of_line((p_claim).queues, (p_claim).versions);
  end if;
  with hits as (
    select
      d.run_id, e.step_slug, pg_catalog.count(*)::integer as deps,
      pg_catalog.bool_or(d.cascades) as cascades, pg_catalog.bool_or(e.decided) as decided,
      pg_catalog.min(d.line_at) as line_at
    from pg_catalog.unnest(p_settled) d
    join tidewire.step_dependencies e
      on e.flow_version = d.flow_version and e.depends_on = d.step_slug
    group by d.run_id, e.step_slug
  ), targets as (
    select
      s.run_id, s.step_slug, h.deps, h.line_at, d.attempt_timeout, s.priority,
      case
        when h.cascades then 'skipped'
        when s.remaining_deps > h.deps then 'waiting'
        when h.decided then 'undecided'
        when h.line_at > v_now then 'later' -- settled before the run's start
        else 'ready'
      end as fate,
      p_quantity > 0
        and h.line_at <= v_now and not h.cascades and s.remaining_deps = h.deps and not h.decided
        and s.queue = any ((p_claim).queues)
        and s.flow_version = any ((p_claim).versions)
        and (
          (v_head).priority is null
          or s.priority > (v_head).priority
          or (s.priority = (v_head).priority and h.line_at <= (v_head).available_at)
        ) as eligible
    from hits h
    join public.flow_steps s
      on s.run_id = h.run_id and s.step_slug = h.step_slug and s.item_index = -1
    join tidewire.step_definitions d
      on d.flow_version = s.flow_version and d.step_slug = s.step_slug
    where s.status = 'waiting'
  ), ranked as (
    select
      t.*,
      t.eligible and p_quantity >= pg_catalog.row_number() over (
        partition by t.eligible order by t.priority desc, t.line_at
      ) as leased
    from targets t
  ), moved as (
    update public.flow_steps s
    set remaining_deps = greatest(s.remaining_deps - t.deps, 0),
        status = case
          when t.leased then 'running'
          when t.fate = 'ready' then 'queued'
          when t.fate = 'later' then 'scheduled'
          when t.fate = 'skipped' then 'skipped'
          else 'waiting'
        end,
        available_at = t.line_at,
        ready_at = case when t.fate = 'ready' then v_now end,
        attempt = s.attempt + t.leased::integer,
        lease_token = s.lease_token + t.leased::integer,
        lease_expires_at = case when t.leased then v_wall + (p_claim).lease end,
        attempt_deadline_at = case when t.leased then v_wall + t.attempt_timeout end,
        worker_id = case when t.leased then (p_claim).worker_id end,
        started_at = case when t.leased then v_wall end,
        finished_at = case when t.fate = 'skipped' then v_now end
    from ranked t
    where s.run_id = t.run_id and s.step_slug = t.step_slug and s.item_index = -1
    returning s.run_id, s.step_slug, s.flow_version, t.fate, t.leased, t.line_at
  )
  select
    coalesce(
      pg_catalog.array_agg((m.run_id, m.step_slug, -1)::tidewire.step_key) filter (where m.leased),
      '{}'
    ),
    coalesce(
      pg_catalog.array_agg((m.run_id, m.step_slug, -1)::tidewire.step_key)
        filter (where m.fate = 'undecided'),
      '{}'
    ),
    coalesce(
      pg_catalog.array_agg(
        (null, m.run_id, m.step_slug, m.flow_version, true, m.line_at)::tidewire.settled_step
      ) filter (where m.fate = 'skipped'),
      '{}'
    ),
    pg_catalog.count(*) filter (where m.fate = 'ready' and not m.leased)
  into v_moved
  from moved m;
  return v_moved;
end
$$;

-- What settled steps mean for their runs: how many steps more are done, and for those that have
-- none left that they are completed, with the output of their only leaf or an object by leaf.
create function tidewire.run_progress (
  p_settled tidewire.settled_step[]
)
  returns tidewire.run_change[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_changes tidewire.run_change[];
begin
  if pg_catalog.cardinality(p_settled) = 0 then
    return '{}';
  end if;
  select pg_catalog.array_agg(
    (
      c.run_id, false, c.steps,
      case when r.remaining_steps = c.steps then 'completed' end,
      null,
      case when r.remaining_steps = c.steps then o.output end
    )::tidewire.run_change
  )
  into v_changes
  from (
    select d.run_id, pg_catalog.count(*)::integer as steps
    from pg_catalog.unnest(p_settled) d
    group by d.run_id
  ) c
  join public.flow_runs r on r.run_id = c.run_id
  cross join lateral (
    select case
      when pg_catalog.count(*) = 1 then coalesce((pg_catalog.array_agg(s.output))[1], 'null')
      else coalesce(
        pg_catalog.jsonb_object_agg(s.step_slug, s.output) filter (where s.output is not null),
        '{}'
      )
    end as output
    from tidewire.step_definitions d
    join public.flow_steps s
      on s.run_id = r.run_id and s.step_slug = d.step_slug and s.item_index = -1
    where r.remaining_steps = c.steps and d.flow_version = r.flow_version and d.is_leaf
  ) o;
  return coalesce(v_changes, '{}');
end
$$;

-- finish, for the runs that complete.
create function tidewire.finish_drafts (
  p_changes tidewire.run_change[]
)
  returns tidewire.log_draft[]
  language sql
  immutable
  set search_path = ''
as $$
  select array(
    select (c.run_id, null, null, '{"type": "finish", "finishReason": "stop"}')::tidewire.log_draft
    from pg_catalog.unnest(p_changes) c
    where c.status = 'completed'
  )
$$;

-- "skipped", for steps that were skipped with what they depend on.
create function tidewire.skipped_drafts (
  p_settled tidewire.settled_step[]
)
  returns tidewire.log_draft[]
  language sql
  stable
  set search_path = ''
as $$
  select array(
    select (
      d.run_id, d.step_slug, 0,
      tidewire.progress_chunk(
        d.step_slug, 'skipped', 0, 'a step that it depends on was skipped')
    )::tidewire.log_draft
    from pg_catalog.unnest(p_settled) d
  )
$$;

-- The log entry that shows a published output: whole, or a summary over 200,000 bytes.
create function tidewire.published_chunk (
  p_step_slug text,
  p_output jsonb
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
    'type', 'data-' || p_step_slug,
    'id', p_step_slug,
    'data', case
      when pg_catalog.octet_length(p_output::text) <= 200000 then p_output
      else pg_catalog.jsonb_build_object(
        'truncated', true,
        'bytes', pg_catalog.octet_length(p_output::text),
        'summary', pg_catalog.left(p_output::text, 1000)
      )
    end
  )
$$;
