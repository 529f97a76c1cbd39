-- How steps complete, and what moves on with them: dependents, the log, the end of the run.

-- A step or an item that was just completed, as the functions below hand it on.
create type tidewire.finished_step as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  flow_version text,
  attempt integer,
  open_parts jsonb,
  line_at timestamptz,
  publishes boolean,
  cached boolean,
  failed boolean
);

-- The request items that a call may write: ordinals, and the runs that it has locked.
create type tidewire.held_keys as (
  ordinals integer[],
  run_ids uuid[]
);

-- Completes many steps at once, starts what depends on them, ends runs that have no step left,
-- and leases the worker its next steps: one round trip, one commit.
--
-- running -> completed; dependents as carry_on says; the run -> completed at its last step.
-- p_completions: [{run_id, step_slug, item_index?, lease_token, output, first_sequence?, chunks?}];
-- chunks go to the log before the completion. Answers, one an item: completed, duplicate
-- (completed before under this token), busy, lease_lost, cancelled, gap, invalid {reason}: output
-- over the limit. Then logged rows, and what claim_steps answers.
-- An item of a map locks its map's row instead of its run, and both when it is the last.
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
  set enable_seqscan = off
  set enable_bitmapscan = off
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
declare
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_completions);
  v_large integer[] := tidewire.too_large(p_completions, 'output');
  v_held tidewire.held_keys;
  v_pending tidewire.judged_append[];
  v_refused integer[];
  v_done tidewire.finished_step[];
begin
  perform tidewire.keep_plans_fresh();
  perform tidewire.promote_scheduled(1000);
  v_held := tidewire.hold_keys(v_keys);
  v_pending := tidewire.judge_pending(p_completions, (v_held).run_ids, v_large);
  v_refused := array(
    select p.ordinal from pg_catalog.unnest(v_pending) p where p.answer not in ('appended', 'duplicate')
  );
  v_done := tidewire.record_outputs(
    p_completions, v_keys, (v_held).ordinals, v_large || v_refused
  );
  return query
  select d.ordinal, 'completed', d.run_id, d.step_slug, null::jsonb
  from pg_catalog.unnest(v_done) d;
  if pg_catalog.cardinality(v_done) < pg_catalog.cardinality(v_keys) then
    return query
    select *
    from tidewire.incomplete_answers(
      p_completions, v_keys, array(select d.ordinal from pg_catalog.unnest(v_done) d), v_pending,
      v_large
    );
  end if;
  return query
  select *
  from tidewire.carry_on(
    tidewire.completions(v_done, v_pending), '{}',
    (p_worker_id, p_lease, p_claim_queues, p_claim_versions, p_claim_quantity)::tidewire.claim
  );
end
$$;

-- Locks what completions are written under: the runs of steps, the map rows of items, and the runs
-- of maps that these items end. What somebody else holds is left out, never waited for.
create function tidewire.hold_keys (
  p_keys tidewire.leased_key[]
)
  returns tidewire.held_keys
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_runs uuid[] := tidewire.lock_runs(
    array(select distinct k.run_id from pg_catalog.unnest(p_keys) k where k.item_index = -1)
  );
  v_maps tidewire.step_key[];
  v_last tidewire.step_key[];
begin
  if not exists (select from pg_catalog.unnest(p_keys) k where k.item_index >= 0) then
    return (
      array(select k.ordinal from pg_catalog.unnest(p_keys) k where k.run_id = any (v_runs)), v_runs
    )::tidewire.held_keys;
  end if;
  v_maps := tidewire.lock_maps(p_keys);
  v_last := tidewire.maps_at_their_end(p_keys, v_maps);
  v_runs := v_runs || tidewire.lock_runs(array(select distinct m.run_id from pg_catalog.unnest(v_last) m));
  return (
    array(
      select k.ordinal
      from pg_catalog.unnest(p_keys) k
      where case
        when k.item_index = -1 then k.run_id = any (v_runs)
        else (k.run_id, k.step_slug) in (
          select m.run_id, m.step_slug
          from pg_catalog.unnest(v_maps) m
          where m.run_id = any (v_runs)
            or (m.run_id, m.step_slug) not in (
              select l.run_id, l.step_slug from pg_catalog.unnest(v_last) l
            )
        )
      end
    ),
    v_runs
  )::tidewire.held_keys;
end
$$;

-- Locks the rows of the maps that items belong to, as far as nobody else holds them.
create function tidewire.lock_maps (
  p_keys tidewire.leased_key[]
)
  returns tidewire.step_key[]
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  return array(
    select (l.run_id, l.step_slug, -1)::tidewire.step_key
    from (
      select s.run_id, s.step_slug
      from (
        select distinct k.run_id, k.step_slug from pg_catalog.unnest(p_keys) k where k.item_index >= 0
      ) m
      join public.flow_steps s
        on s.run_id = m.run_id and s.step_slug = m.step_slug and s.item_index = -1
      where s.status = 'waiting'
      for no key update of s skip locked
    ) l
  );
end
$$;

-- The maps, of those locked, that may have no item left once these are settled.
create function tidewire.maps_at_their_end (
  p_keys tidewire.leased_key[],
  p_maps tidewire.step_key[]
)
  returns tidewire.step_key[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select (m.run_id, m.step_slug, -1)::tidewire.step_key
    from pg_catalog.unnest(p_maps) m
    join public.flow_steps s
      on s.run_id = m.run_id and s.step_slug = m.step_slug and s.item_index = -1
    where s.remaining_items <= (
      select pg_catalog.count(*)
      from pg_catalog.unnest(p_keys) k
      where k.run_id = m.run_id and k.step_slug = m.step_slug and k.item_index >= 0
    )
  );
end
$$;

-- running -> completed, for the items p_held but not p_except whose lease is the caller's.
create function tidewire.record_outputs (
  p_completions jsonb,
  p_keys tidewire.leased_key[],
  p_held integer[],
  p_except integer[]
)
  returns tidewire.finished_step[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_done tidewire.finished_step[];
begin
  with done as (
    update public.flow_steps s
    set status = 'completed', output = coalesce(p_completions -> k.ordinal -> 'output', 'null'),
        lease_expires_at = null, attempt_deadline_at = null, worker_id = null, error = null,
        finished_at = v_now
    from pg_catalog.unnest(p_keys) k, tidewire.step_definitions d
    where k.ordinal = any (p_held)
      and k.ordinal <> all (p_except)
      and s.run_id = k.run_id
      and s.step_slug = k.step_slug
      and s.item_index = k.item_index
      and s.lease_expires_at is not null
      and s.lease_token = k.lease_token
      and d.flow_version = s.flow_version
      and d.step_slug = s.step_slug
    returning
      k.ordinal, s.run_id, s.step_slug, s.item_index, s.flow_version, s.attempt, s.open_parts,
      s.available_at as line_at, d.publishes,
      d.cache_fresh is not null and s.item_index = -1 as cached, false as failed
  )
  select pg_catalog.array_agg(d::tidewire.finished_step order by d.ordinal)
  into v_done
  from (select * from done) d;
  -- By a statement of its own, since the one above has to tell what was open. Few steps leave any.
  if exists (select from pg_catalog.unnest(v_done) d where d.open_parts <> '[]') then
    update public.flow_steps s
    set open_parts = '[]'
    from pg_catalog.unnest(v_done) d
    where d.open_parts <> '[]'
      and s.run_id = d.run_id and s.step_slug = d.step_slug and s.item_index = d.item_index;
  end if;
  return coalesce(v_done, '{}');
end
$$;

-- What follows from completions: the steps that are settled with them, and what the log says.
create function tidewire.completions (
  p_done tidewire.finished_step[],
  p_pending tidewire.judged_append[]
)
  returns tidewire.consequences
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_settled tidewire.settled_step[] := array(
    select (d.ordinal, d.run_id, d.step_slug, d.flow_version, false, d.line_at)
      ::tidewire.settled_step
    from pg_catalog.unnest(p_done) d
    where d.item_index = -1
  );
  v_drafts tidewire.log_draft[] := tidewire.completion_drafts(p_done, p_pending);
  v_cached tidewire.step_key[] := array(
    select (d.run_id, d.step_slug, -1)::tidewire.step_key from pg_catalog.unnest(p_done) d where d.cached
  );
  v_maps tidewire.consequences;
begin
  if pg_catalog.cardinality(v_cached) > 0 then
    perform tidewire.store_outputs(v_cached);
  end if;
  if pg_catalog.cardinality(v_settled) = pg_catalog.cardinality(p_done) then
    return (v_settled, v_drafts, '{}')::tidewire.consequences;
  end if;
  v_maps := tidewire.settle_items(
    array(select d from pg_catalog.unnest(p_done) d where d.item_index >= 0)
  );
  return (
    v_settled || (v_maps).settled, v_drafts || (v_maps).drafts, (v_maps).changes
  )::tidewire.consequences;
end
$$;

-- What the log says of completed steps: their last chunks, open parts closed, the step completed,
-- and its output if it is published. Items of a map write no entries.
create function tidewire.completion_drafts (
  p_done tidewire.finished_step[],
  p_pending tidewire.judged_append[]
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
    select d.run_id, d.step_slug, d.attempt, c.value as chunk, d.ordinal, 0 as rank, c.ordinality as place
    from pg_catalog.unnest(p_pending) p
    join pg_catalog.unnest(p_done) d using (ordinal)
    cross join lateral pg_catalog.jsonb_array_elements(p.chunks) with ordinality c
    where p.answer = 'appended'
    union all
    select d.run_id, d.step_slug, d.attempt, c.chunk, d.ordinal, 1, c.place
    from pg_catalog.unnest(p_done) d
    left join pg_catalog.unnest(p_pending) p on p.ordinal = d.ordinal and p.answer = 'appended'
    cross join lateral tidewire.closing_chunks(
      case
        when p.chunks is null then d.open_parts
        else tidewire.parts_after(d.open_parts, p.chunks)
      end
    ) with ordinality c (chunk, place)
    where d.open_parts <> '[]' or p.chunks is not null
    union all
    select
      d.run_id, d.step_slug, d.attempt,
      -- As progress_chunk makes it, without the cost of the call.
      pg_catalog.jsonb_build_object(
        'type', 'data-progress', 'id', d.step_slug, 'data', pg_catalog.jsonb_build_object(
          'step', d.step_slug, 'status', 'completed', 'attempt', d.attempt
        )
      ),
      d.ordinal, 2, 0
    from pg_catalog.unnest(p_done) d
    where d.item_index = -1
    union all
    select
      d.run_id, d.step_slug, d.attempt, tidewire.published_chunk(d.step_slug, s.output),
      d.ordinal, 3, 0
    from pg_catalog.unnest(p_done) d
    join public.flow_steps s
      on s.run_id = d.run_id and s.step_slug = d.step_slug and s.item_index = -1
    where d.publishes and d.item_index = -1
  )
  select pg_catalog.array_agg(
    (e.run_id, e.step_slug, e.attempt, e.chunk)::tidewire.log_draft
    order by e.ordinal, e.rank, e.place
  )
  into v_drafts
  from entries e;
  return coalesce(v_drafts, '{}');
end
$$;

-- The answers for completions that were not recorded. Repeating one that was is a duplicate.
create function tidewire.incomplete_answers (
  p_completions jsonb,
  p_keys tidewire.leased_key[],
  p_done integer[],
  p_pending tidewire.judged_append[],
  p_large integer[]
)
  returns setof tidewire.answer
  language plpgsql
  stable
  set search_path = ''
as $$
begin
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
  from tidewire.refused_writes(
    p_keys, p_done,
    array(
      select (p.ordinal, p.answer, p.run_id, p.step_slug, p.detail)::tidewire.answer
      from pg_catalog.unnest(p_pending) p
    ),
    p_large, 'output'
  ) r
  left join public.flow_steps s
    on s.run_id = r.run_id and s.step_slug = r.step_slug
    and s.item_index = coalesce((p_completions -> r.ordinal ->> 'item_index')::integer, -1);
end
$$;
