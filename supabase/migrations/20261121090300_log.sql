-- The log of a run: dense, numbered under the run's row, ended by exactly one terminal entry.

-- Makes this session plan its statements anew when the hot tables have doubled, or shrunk to a
-- quarter, since it planned them.
--
-- A plan made while the tables are nearly empty reads them whole, and a session keeps it until
-- somebody analyzes them: by then each call may read all that was written in between. The planner
-- sees a table's true size without statistics, so it is enough to ask it again. For every function
-- that a session calls often.
create function tidewire.keep_plans_fresh ()
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_pages bigint := (
    pg_catalog.pg_relation_size('public.flow_steps') + pg_catalog.pg_relation_size('public.flow_runs')
      + pg_catalog.pg_relation_size('public.streaming_chunks')
  ) / 8192;
  v_planned bigint := coalesce(
    nullif(pg_catalog.current_setting('tidewire.planned_pages', true), '')::bigint, 0
  );
begin
  if v_pages > 2 * v_planned + 8 or v_pages < v_planned / 4 then
    discard plans;
    v_planned := v_pages;
  end if;
  perform pg_catalog.set_config('tidewire.planned_pages', v_planned::text, false);
end
$$;

-- Locks the runs that nobody else holds and returns their ids; deleted ones are not among them.
-- Never waits. Statements after this one see everything that was committed under these locks.
create function tidewire.lock_runs (
  p_run_ids uuid[]
)
  returns uuid[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_locked uuid[];
begin
  select coalesce(pg_catalog.array_agg(l.run_id), '{}')
  into v_locked
  from (
    select r.run_id
    from public.flow_runs r
    where r.run_id = any (p_run_ids)
    order by r.run_id
    for no key update skip locked
  ) l;
  return v_locked;
end
$$;

-- Makes changes to runs and appends drafts to their logs, in the order given. Answers one logged
-- row for each run that has an owner.
--
-- Every transition ends here, so that a call updates a run's row once: a second update in one
-- transaction would cost as much again, and would check the reference to the owner, which waits
-- for whoever deletes that user. A run that has ended takes nothing more. The caller holds the
-- runs' locks, taken in an earlier statement.
create function tidewire.settle_runs (
  p_changes tidewire.run_change[],
  p_drafts tidewire.log_draft[]
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
begin
  return query
  with drafts as (
    select
      d.run_id, d.step_slug, d.attempt, d.chunk,
      pg_catalog.row_number() over (partition by d.run_id order by d.place) - 1 as nth
    from pg_catalog.unnest(p_drafts) with ordinality d (run_id, step_slug, attempt, chunk, place)
  ), changes as (
    select
      c.run_id,
      pg_catalog.bool_or(c.starts) as starts,
      pg_catalog.sum(c.steps)::integer as steps,
      pg_catalog.max(c.status) as status,
      pg_catalog.max(c.error) as error,
      (pg_catalog.array_agg(c.output) filter (where c.output is not null))[1] as output,
      pg_catalog.sum(c.entries)::integer as entries
    from (
      select d.run_id, false as starts, 0 as steps, null as status, null as error,
        null::jsonb as output, pg_catalog.count(*) as entries
      from drafts d
      group by d.run_id
      union all
      select c.run_id, c.starts, c.steps, c.status, c.error, c.output, 0
      from pg_catalog.unnest(p_changes) c
    ) c
    group by c.run_id
  ), changed as (
    update public.flow_runs r
    set next_index = r.next_index + c.entries,
        last_append_at = case when c.entries > 0 then v_now else r.last_append_at end,
        remaining_steps = r.remaining_steps - c.steps,
        status = case
          when c.status is not null then c.status
          when c.starts and r.status = 'queued' then 'running'
          else r.status
        end,
        started_at = case when c.starts then coalesce(r.started_at, v_now) else r.started_at end,
        held = r.held and c.status is null,
        error = c.error,
        output = c.output,
        finished_at = case when c.status is not null then v_now end
    from changes c
    where r.run_id = c.run_id and r.finished_at is null
    returning r.run_id, r.user_id, r.next_index - c.entries as first_index
  ), written as (
    insert into public.streaming_chunks (
      run_id, chunk_index, first_index, step_slug, attempt, chunk_data, created_at
    )
    select
      d.run_id, g.first_index + d.nth, g.first_index + d.nth, d.step_slug, d.attempt, d.chunk, v_now
    from drafts d
    join changed g using (run_id)
  )
  select
    null::integer, 'logged', d.run_id, null::text,
    pg_catalog.jsonb_build_object(
      'first_index', g.first_index,
      'chunks', pg_catalog.jsonb_agg(d.chunk order by d.nth),
      'broadcast', true
    )
  from drafts d
  join changed g using (run_id)
  where g.user_id is not null
  group by d.run_id, g.first_index;
end
$$;

-- The log entry that tells a reader where a step is. p_more: counts, reused.
create function tidewire.progress_chunk (
  p_step_slug text,
  p_status text,
  p_attempt integer,
  p_message text default null,
  p_more jsonb default '{}'
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
    'type', 'data-progress',
    'id', p_step_slug,
    'data', pg_catalog.jsonb_strip_nulls(
      pg_catalog.jsonb_build_object(
        'step', p_step_slug, 'status', p_status, 'attempt', p_attempt, 'message', p_message
      )
    ) || p_more
  )
$$;

-- The parts that are open after p_chunks, given those open before: [{type, id}], oldest first.
--
-- A tool part is open from its input's start until its output or an error.
create function tidewire.parts_after (
  p_open jsonb,
  p_chunks jsonb
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  with edges as (
    select
      o.value ->> 'type' as part_type, o.value ->> 'id' as part_id,
      true as opens, o.ordinality - 1000000 as place
    from pg_catalog.jsonb_array_elements(p_open) with ordinality o
    union all
    select
      pg_catalog.split_part(c.value ->> 'type', '-', 1),
      coalesce(c.value ->> 'id', c.value ->> 'toolCallId'),
      c.value ->> 'type' in ('text-start', 'reasoning-start', 'tool-input-start', 'tool-input-available'),
      c.ordinality
    from pg_catalog.jsonb_array_elements(p_chunks) with ordinality c
    where c.value ->> 'type' in (
        'text-start', 'text-end', 'reasoning-start', 'reasoning-end', 'tool-input-start',
        'tool-input-available', 'tool-input-error', 'tool-output-error', 'tool-output-denied'
      )
      or (c.value ->> 'type' = 'tool-output-available' and c.value -> 'preliminary' is distinct from 'true')
  ), latest as (
    select distinct on (e.part_type, e.part_id) e.part_type, e.part_id, e.opens, e.place
    from edges e
    order by e.part_type, e.part_id, e.place desc
  )
  select coalesce(
    pg_catalog.jsonb_agg(
      pg_catalog.jsonb_build_object('type', l.part_type, 'id', l.part_id) order by l.place
    ),
    '[]'
  )
  from latest l
  where l.opens
$$;

-- The entries that close open parts, oldest part first.
create function tidewire.closing_chunks (
  p_open jsonb
)
  returns setof jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select case o.value ->> 'type'
    when 'tool' then pg_catalog.jsonb_build_object(
      'type', 'tool-output-error',
      'toolCallId', o.value ->> 'id',
      'errorText', 'The step ended before the tool answered.'
    )
    else pg_catalog.jsonb_build_object(
      'type', (o.value ->> 'type') || '-end', 'id', o.value ->> 'id'
    )
  end
  from pg_catalog.jsonb_array_elements(p_open) with ordinality o
  order by o.ordinality
$$;

-- Broadcasts an event on a private channel at commit, where Realtime exists. For entries made by
-- an RPC or by maintenance; a worker broadcasts its own. Losing one loses nothing: the table heals.
create function tidewire.broadcast (
  p_topic text,
  p_event text,
  p_payload jsonb
)
  returns void
  language plpgsql
  volatile
  security definer -- realtime.send swallows permission errors, so only its owner's rights are sure
  set search_path = ''
as $$
begin
  if pg_catalog.to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null then
    perform realtime.send(p_payload, p_event, p_topic, true);
  end if;
end
$$;

-- Broadcasts what settle_runs answered.
create function tidewire.broadcast_log (
  p_logged tidewire.answer[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_row tidewire.answer;
begin
  foreach v_row in array coalesce(p_logged, '{}') loop
    continue when v_row.answer <> 'logged';
    perform tidewire.broadcast(
      'tidewire:run:' || v_row.run_id,
      'chunks',
      case
        when pg_catalog.octet_length(v_row.detail::text) <= 200000 then
          pg_catalog.jsonb_build_object(
            'run_id', v_row.run_id,
            'first_index', v_row.detail -> 'first_index',
            'chunks', v_row.detail -> 'chunks'
          )
        else pg_catalog.jsonb_build_object(
          'run_id', v_row.run_id,
          'first_index', v_row.detail -> 'first_index',
          'next_index',
          (v_row.detail ->> 'first_index')::bigint
            + pg_catalog.jsonb_array_length(v_row.detail -> 'chunks')
        )
      end
    );
  end loop;
end
$$;
