-- How steps complete, and what moves on with them: dependents, the log, the end of the run.

-- A step that was just completed, as the functions below hand it on.
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
