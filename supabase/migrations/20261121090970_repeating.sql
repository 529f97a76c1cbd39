-- Doing ended runs again: a new run that takes over what an earlier one has finished.

-- How a run is to be done again.
--   verb       retry: from_step, or what is left; regenerate: the steps that stream
--   from_step  of retry; may be null
--   input      of regenerate: the new run's; null for the same
--   key        the caller's idempotency key; may be null
create type tidewire.repetition as (
  verb text,
  from_step text,
  input jsonb,
  key text
);

-- Makes a new run out of one that has ended, on the flow's current version: what is to be redone
-- and all that depends on it is redone, the finished rest is taken over.
--
-- The new run is inserted before any other row is locked: so it waits for whoever deletes the owner
-- while it holds nothing they need. The origin is not locked, since it changes no more; if it is
-- deleted meanwhile, all is redone. Answers {run_id, message_id, status, created}; the same key for
-- the same repetition answers the run that it made first. Raises PT400 TW001, PT404 TW003, PT409
-- TW004 and TW005 as the functions below say.
create function tidewire.repeat_run (
  p_origin public.flow_runs,
  p_how tidewire.repetition
)
  returns jsonb
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_version text := (
    select f.current_version from tidewire.flows f where f.flow_slug = (p_origin).flow_slug
  );
  v_run_id uuid;
  v_active uuid;
  v_redo text[];
begin
  perform tidewire.keep_plans_fresh();
  v_run_id := tidewire.create_repeated_run(p_origin, v_version, p_how);
  if v_run_id is null then
    return tidewire.existing_run(
      (p_origin).user_id, (p_origin).flow_slug, null, (p_how).key,
      tidewire.repetition_hash(p_origin, p_how)
    );
  end if;
  if (p_origin).thread_id is not null then
    v_active := tidewire.lock_thread((p_origin).user_id, (p_origin).thread_id, null);
    if v_active is not null then
      perform tidewire.refuse_busy_thread((p_origin).thread_id, v_active);
    end if;
    perform tidewire.answer_again(v_run_id, p_origin);
  end if;
  v_redo := tidewire.steps_to_redo(
    p_origin, v_version, tidewire.steps_asked_for(p_origin, v_version, p_how)
  );
  perform tidewire.create_repeated_steps(v_run_id, p_origin, v_version, v_redo);
  perform tidewire.carry_over(v_run_id, p_origin);
  if (p_how).verb = 'retry' and (p_how).from_step is null then
    perform tidewire.take_over_items(v_run_id, (p_origin).run_id);
  end if;
  return pg_catalog.jsonb_build_object(
    'run_id', v_run_id, 'message_id', v_run_id,
    'status', (select r.status from public.flow_runs r where r.run_id = v_run_id), 'created', true
  );
end
$$;

-- What a repetition is compared by when its key is used again. Never that of a plain start.
create function tidewire.repetition_hash (
  p_origin public.flow_runs,
  p_how tidewire.repetition
)
  returns bytea
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.sha256(
    pg_catalog.convert_to(
      pg_catalog.jsonb_build_array(
        (p_how).verb, (p_origin).run_id, (p_how).from_step, (p_how).input
      )::text,
      'UTF8'
    )
  )
$$;

-- The steps that a repetition names, by themselves.
--
-- Raises PT400 TW001 for a step that the version lacks, for a completed run without a step to begin
-- at, and for a flow in which no step streams.
create function tidewire.steps_asked_for (
  p_origin public.flow_runs,
  p_flow_version text,
  p_how tidewire.repetition
)
  returns text[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_steps text[] := array(
    select d.step_slug
    from tidewire.step_definitions d
    where d.flow_version = p_flow_version
      and case (p_how).verb
        when 'regenerate' then d.streams
        else d.step_slug = (p_how).from_step
      end
  );
begin
  case
    when (p_how).verb = 'regenerate' and v_steps = '{}' then
      perform tidewire.refuse_repetition(
        pg_catalog.format('flow %s has no step that streams', (p_origin).flow_slug),
        'Declare a step with stream=True, or call retry_run with from_step.'
      );
    when (p_how).from_step is not null and v_steps = '{}' then
      perform tidewire.refuse_repetition(
        pg_catalog.format(
          'flow %s has no step %s', (p_origin).flow_slug,
          pg_catalog.left(pg_catalog.quote_literal((p_how).from_step), 80)
        ),
        'Name a step of the flow''s current version as from_step.'
      );
    when v_steps = '{}' and (p_origin).status = 'completed' then
      perform tidewire.refuse_repetition(
        pg_catalog.format('run %s is completed and has no step left to redo', (p_origin).run_id),
        'Name the step to begin at as from_step.'
      );
    else null;
  end case;
  return v_steps;
end
$$;

-- Refuses a repetition that cannot be.
create function tidewire.refuse_repetition (
  p_message text,
  p_hint text
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform tidewire.refuse(400, 'TW001', p_message, p_hint);
end
$$;

-- The steps of a version that cannot be taken over from a run: those given, those that the run has
-- not finished or that depend on other steps now, and all that depends on any of these.
--
-- Raises PT400 TW001 when there is none.
create function tidewire.steps_to_redo (
  p_origin public.flow_runs,
  p_flow_version text,
  p_given text[]
)
  returns text[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_redo text[];
begin
  v_redo := array(
    with recursive redone as (
      select d.step_slug
      from tidewire.step_definitions d
      left join public.flow_steps s
        on s.run_id = (p_origin).run_id and s.step_slug = d.step_slug and s.item_index = -1
      where d.flow_version = p_flow_version
        and (
          d.step_slug = any (p_given)
          or s.status is null
          or s.status not in ('completed', 'skipped')
          or (
            (p_origin).flow_version <> p_flow_version
            and tidewire.dependencies_of(p_flow_version, d.step_slug)
              <> tidewire.dependencies_of((p_origin).flow_version, d.step_slug)
          )
        )
      union
      select e.step_slug
      from redone r
      join tidewire.step_dependencies e
        on e.flow_version = p_flow_version and e.depends_on = r.step_slug
    )
    select r.step_slug from redone r
  );
  if pg_catalog.cardinality(v_redo) = 0 then
    perform tidewire.refuse_repetition(
      pg_catalog.format('run %s has no step left to redo', (p_origin).run_id),
      'Name the step to begin at as from_step.'
    );
  end if;
  return v_redo;
end
$$;

-- The steps that a step depends on, in a fixed order.
create function tidewire.dependencies_of (
  p_flow_version text,
  p_step_slug text
)
  returns text[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select e.depends_on
    from tidewire.step_dependencies e
    where e.flow_version = p_flow_version and e.step_slug = p_step_slug
    order by e.depends_on
  );
end
$$;

-- Creates the row of a repeated run; its log begins in carry_over. Answers null when the
-- key was used before.
create function tidewire.create_repeated_run (
  p_origin public.flow_runs,
  p_flow_version text,
  p_how tidewire.repetition
)
  returns uuid
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
  v_run_id uuid := tidewire.uuid_v7();
begin
  insert into public.flow_runs (
    run_id, flow_slug, flow_version, user_id, thread_id, message_id, origin_run_id, input,
    remaining_steps, idempotency_key, input_hash, priority, deadline_at, created_at
  )
  select
    v_run_id, v.flow_slug, v.flow_version, (p_origin).user_id, (p_origin).thread_id,
    v_run_id::text, (p_origin).run_id, coalesce((p_how).input, (p_origin).input), v.step_count,
    (p_how).key, tidewire.repetition_hash(p_origin, p_how), (p_origin).priority,
    v_now + v.run_timeout, v_now
  from tidewire.flow_versions v
  where v.flow_version = p_flow_version
  on conflict do nothing;
  return case when found then v_run_id end;
end
$$;

-- Creates the steps of a repeated run: those to be redone wait, the others are as the origin left
-- them, but for the attempts it took.
create function tidewire.create_repeated_steps (
  p_run_id uuid,
  p_origin public.flow_runs,
  p_flow_version text,
  p_redo text[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
begin
  insert into public.flow_steps (
    run_id, step_slug, flow_version, queue, priority, status, remaining_deps, max_attempts,
    available_at, created_at, output, error, reused, total_items, remaining_items, failed_items,
    ready_at, started_at, finished_at
  )
  select
    p_run_id, d.step_slug, d.flow_version, d.queue, d.priority + (p_origin).priority,
    coalesce(o.status, 'waiting'), case when o.status is null then d.dep_count else 0 end,
    d.max_attempts, v_now, v_now, o.output, o.error,
    case when o.status is not null then 'run' end,
    o.total_items, o.remaining_items, o.failed_items, o.ready_at, o.started_at, o.finished_at
  from tidewire.step_definitions d
  left join public.flow_steps o
    on o.run_id = (p_origin).run_id
    and o.step_slug = d.step_slug
    and o.item_index = -1
    and d.step_slug <> all (p_redo)
  where d.flow_version = p_flow_version;
end
$$;

-- Begins the log of a repeated run with what it took over, and carries the run on from there.
create function tidewire.carry_over (
  p_run_id uuid,
  p_origin public.flow_runs
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform tidewire.carry_on(
    (
      tidewire.steps_taken_over(p_run_id, (p_origin).flow_version),
      array[
        (
          p_run_id, null, null, tidewire.start_chunk(p_run_id, (p_origin).flow_slug)
        )::tidewire.log_draft
      ] || tidewire.reused_drafts(p_run_id),
      '{}'
    )::tidewire.consequences,
    array(
      select (s.run_id, s.step_slug, s.item_index)::tidewire.step_key
      from public.flow_steps s
      where s.run_id = p_run_id and s.status = 'waiting' and s.remaining_deps = 0
    ),
    null
  );
end
$$;

-- The steps that a run took over from one of p_origin_version, as settled ones.
--
-- A skipped step that holds no reason was skipped with what it depends on, and takes its dependents
-- along; one that was attempted was skipped for its failure.
create function tidewire.steps_taken_over (
  p_run_id uuid,
  p_origin_version text
)
  returns tidewire.settled_step[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select (
      null, s.run_id, s.step_slug, s.flow_version,
      s.status = 'skipped' and case
        when s.error is null then true
        when s.started_at is not null then d.on_exhausted = 'skip_dependents'
        else d.otherwise = 'skip_dependents'
      end,
      s.available_at
    )::tidewire.settled_step
    from public.flow_steps s
    join tidewire.step_definitions d
      on d.flow_version = p_origin_version and d.step_slug = s.step_slug
    where s.run_id = p_run_id and s.item_index = -1 and s.reused = 'run'
  );
end
$$;

-- What the log says of the steps that a run took over, in the order of their definition.
create function tidewire.reused_drafts (
  p_run_id uuid
)
  returns tidewire.log_draft[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select (s.run_id, s.step_slug, 0, e.chunk)::tidewire.log_draft
    from public.flow_steps s
    join tidewire.step_definitions d
      on d.flow_version = s.flow_version and d.step_slug = s.step_slug
    cross join lateral (
      select 0 as rank, c.chunk_index as place, c.chunk_data as chunk
      from public.streaming_chunks c
      where d.streams
        and c.run_id = (select r.origin_run_id from public.flow_runs r where r.run_id = p_run_id)
        and c.step_slug = s.step_slug
        and c.chunk_data ->> 'type' not in ('data-progress', 'data-' || s.step_slug)
      union all
      select
        1, 0, tidewire.progress_chunk(s.step_slug, s.status, 0, null, '{"reused": "run"}')
      union all
      select 2, 0, tidewire.published_chunk(s.step_slug, s.output)
      where d.publishes and s.status = 'completed'
    ) e
    where s.run_id = p_run_id and s.item_index = -1 and s.reused = 'run'
    order by d.ordinal, e.rank, e.place
  );
end
$$;

-- Takes over the completed items of maps that are redone although nothing before them is: only the
-- others are worked on again. Says so in the log, and settles a map that has none left.
create function tidewire.take_over_items (
  p_run_id uuid,
  p_origin_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_items tidewire.finished_step[];
begin
  with taken as (
    update public.flow_steps i
    set status = 'completed', output = o.output, reused = 'run', started_at = o.started_at,
        finished_at = o.finished_at
    from public.flow_steps m, public.flow_steps o
    where m.run_id = p_run_id and m.item_index = -1 and m.status = 'waiting'
      and m.total_items is not null
      and i.run_id = p_run_id and i.step_slug = m.step_slug and i.item_index >= 0
      and o.run_id = p_origin_id and o.step_slug = i.step_slug and o.item_index = i.item_index
      and o.status = 'completed' and o.item_input = i.item_input
      and not exists (
        select
        from tidewire.step_dependencies e
        join public.flow_steps s
          on s.run_id = p_run_id and s.step_slug = e.depends_on and s.item_index = -1
        where e.flow_version = m.flow_version and e.step_slug = m.step_slug
          and s.reused is distinct from 'run'
      )
    returning i.run_id, i.step_slug, i.item_index, i.flow_version, m.available_at
  )
  select pg_catalog.array_agg(
    (
      null, t.run_id, t.step_slug, t.item_index, t.flow_version, 0, null, t.available_at, false,
      false, false
    )::tidewire.finished_step
  )
  into v_items
  from taken t;
  if v_items is null then
    return;
  end if;
  -- So that their counts are due for the log at once.
  update public.flow_steps m
  set counted_at = '-infinity'
  where m.run_id = p_run_id and m.item_index = -1
    and m.step_slug in (select i.step_slug from pg_catalog.unnest(v_items) i);
  perform tidewire.carry_on(tidewire.settle_items(v_items), '{}', null);
end
$$;

-- Opens a new answer in the thread of a repeated run. It takes the place of the origin's answer and
-- of all that came after it; a run that wrote no message in its thread has none here either.
create function tidewire.answer_again (
  p_run_id uuid,
  p_origin public.flow_runs
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_place bigint;
begin
  perform tidewire.fold_thread((p_origin).user_id, (p_origin).thread_id);
  update public.flow_threads t
  set active_run_id = p_run_id, updated_at = tidewire.clock()
  where t.user_id = (p_origin).user_id and t.thread_id = (p_origin).thread_id;
  select m.position
  into v_place
  from public.flow_messages m
  where m.user_id = (p_origin).user_id
    and m.thread_id = (p_origin).thread_id
    and m.message_id = (p_origin).message_id;
  if not found then
    return;
  end if;
  perform tidewire.check_question_stands(p_origin, v_place);
  update public.flow_messages m
  set superseded_by = p_run_id::text
  where m.user_id = (p_origin).user_id
    and m.thread_id = (p_origin).thread_id
    and m.position >= v_place
    and m.superseded_by is null;
  insert into public.flow_messages (
    user_id, thread_id, message_id, role, parts, status, run_id
  )
  values (
    (p_origin).user_id, (p_origin).thread_id, p_run_id::text, 'assistant', '[]', 'streaming',
    p_run_id
  );
  perform tidewire.broadcast(
    pg_catalog.format('tidewire:thread:%s:%s', (p_origin).user_id, (p_origin).thread_id), 'thread',
    pg_catalog.jsonb_build_object('run_id', p_run_id, 'message_id', p_run_id)
  );
end
$$;

-- Refuses to answer a question again that no longer stands in its thread: an earlier answer was
-- done again, and the conversation went on from there. p_place: where the origin's answer stands.
create function tidewire.check_question_stands (
  p_origin public.flow_runs,
  p_place bigint
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_superseded_by text;
begin
  select m.superseded_by
  into v_superseded_by
  from public.flow_messages m
  where m.user_id = (p_origin).user_id
    and m.thread_id = (p_origin).thread_id
    and m.position < p_place
    and m.role = 'user'
  order by m.position desc
  limit 1;
  if v_superseded_by is not null then
    perform tidewire.refuse_repetition(
      pg_catalog.format(
        'run %s answers a message that message %s superseded', (p_origin).run_id, v_superseded_by
      ),
      'Send the message again, with a new id.'
    );
  end if;
end
$$;
