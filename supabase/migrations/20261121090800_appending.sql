-- How a step writes to its run's log.

-- Why a list of chunks cannot be appended; null when it can.
--
-- start, finish, error and abort are the database's own: a log starts once and ends once. The text
-- is measured only where it can be over: a character takes at most six times its binary size.
create function tidewire.chunk_problem (
  p_chunks jsonb
)
  returns text
  language plpgsql
  immutable
  set search_path = ''
as $$
begin
  if pg_catalog.jsonb_typeof(p_chunks) is distinct from 'array' or p_chunks = '[]' then
    return 'chunks must be a list of at least one chunk, got '
      || coalesce(pg_catalog.left(p_chunks::text, 80), 'nothing');
  end if;
  return (
    select case
      when e.type is null or e.type = ''
        then 'chunk must be an object with a type, got ' || pg_catalog.left(e.chunk::text, 80)
      when e.type in ('start', 'finish', 'error', 'abort')
        then 'chunk type must not be ' || e.type || ', which the database writes'
      when e.part_id is null
        then 'chunk of type ' || e.type || ' must name its part by '
          || case when e.type like 'tool-%' then 'toolCallId' else 'id' end
      else pg_catalog.format(
        'chunk must be at most 262144 bytes, got %s', pg_catalog.octet_length(e.chunk::text)
      )
    end
    from (
      select
        c.value as chunk,
        case pg_catalog.jsonb_typeof(c.value -> 'type') when 'string' then c.value ->> 'type' end
          as type,
        case
          when c.value ->> 'type' like 'tool-%' then nullif(c.value ->> 'toolCallId', '')
          when c.value ->> 'type' like 'text-%' or c.value ->> 'type' like 'reasoning-%'
            then nullif(c.value ->> 'id', '')
          else ''
        end as part_id
      from pg_catalog.jsonb_array_elements(p_chunks) c
      offset 0 -- keeps the planner from working each of these out once a use
    ) e
    where e.type is null
      or e.part_id is null
      or e.type in ('', 'start', 'finish', 'error', 'abort')
      or (
        pg_catalog.pg_column_size(e.chunk) > 43690
        and pg_catalog.octet_length(e.chunk::text) > 262144
      )
    limit 1
  );
end
$$;

-- What became of one append before it is written: where it stands against its step.
create type tidewire.judged_append as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  item_index integer,
  answer text,
  chunks jsonb,
  detail jsonb
);

-- Judges appends against their steps: appended when they are next in sequence.
--
-- last_sequence counts the chunks that a step has appended in all its attempts. A repetition of
-- the last append is a duplicate with the same indexes; anything else out of sequence is a gap.
create function tidewire.judge_appends (
  p_appends jsonb,
  p_locked uuid[]
)
  returns tidewire.judged_append[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_judged tidewire.judged_append[];
begin
  with appends as (
    select
      (i.ordinality - 1)::integer as ordinal, i.run_id, i.step_slug,
      coalesce(i.item_index, -1) as item_index, i.lease_token, i.first_sequence, i.chunks,
      case
        when pg_catalog.row_number() over (
          partition by i.run_id, i.step_slug, coalesce(i.item_index, -1) order by i.ordinality
        ) > 1 then 'a call must hold at most one append a step'
        when i.item_index >= 0 then 'an item of a map must write nothing to the log'
        else tidewire.chunk_problem(i.chunks)
      end as problem
    from rows from (
      pg_catalog.jsonb_to_recordset(p_appends) as (
        run_id uuid, step_slug text, item_index integer, lease_token bigint,
        first_sequence bigint, chunks jsonb
      )
    ) with ordinality i
  ), judged as (
    select
      a.*, s.last_sequence, s.last_index,
      case
        when s.run_id is null or s.status = 'cancelled' then 'cancelled'
        when s.status <> 'running' or s.lease_token is distinct from a.lease_token
          then 'lease_lost'
        when a.problem is not null then 'invalid'
        when a.run_id <> all (p_locked) then 'busy'
        when a.first_sequence = s.last_sequence then 'appended'
        when a.first_sequence + pg_catalog.jsonb_array_length(a.chunks) = s.last_sequence
          then 'duplicate'
        else 'gap'
      end as answer
    from appends a
    left join public.flow_steps s
      on s.run_id = a.run_id and s.step_slug = a.step_slug and s.item_index = a.item_index
  )
  select pg_catalog.array_agg(
    (
      j.ordinal, j.run_id, j.step_slug, j.item_index, j.answer, j.chunks,
      case j.answer
        when 'duplicate' then pg_catalog.jsonb_build_object(
          'first_index', j.last_index - pg_catalog.jsonb_array_length(j.chunks) + 1
        )
        when 'gap' then pg_catalog.jsonb_build_object('expected_sequence', j.last_sequence)
        when 'invalid' then pg_catalog.jsonb_build_object('reason', j.problem)
      end
    )::tidewire.judged_append
    order by j.ordinal
  )
  into v_judged
  from judged j;
  return coalesce(v_judged, '{}');
end
$$;

-- Writes the appends that were judged appended. Answers their first indexes.
--
-- The caller holds the locks of their runs.
create function tidewire.write_appends (
  p_lease interval,
  p_appends tidewire.judged_append[]
)
  returns setof tidewire.answer
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.wall_clock();
begin
  return query
  with appends as (
    select
      a.ordinal, a.run_id, a.step_slug, a.item_index, a.chunks,
      pg_catalog.jsonb_array_length(a.chunks) as size,
      r.next_index + pg_catalog.sum(pg_catalog.jsonb_array_length(a.chunks))
        over (partition by a.run_id order by a.ordinal)
        - pg_catalog.jsonb_array_length(a.chunks) as first_index
    from pg_catalog.unnest(p_appends) a
    join public.flow_runs r on r.run_id = a.run_id
    where a.answer = 'appended'
  ), stepped as (
    update public.flow_steps s
    set last_sequence = s.last_sequence + a.size,
        last_index = a.first_index + a.size - 1,
        lease_expires_at = greatest(
          s.lease_expires_at, least(v_now + p_lease, s.attempt_deadline_at + p_lease)
        ),
        open_parts = case
          when a.chunks @? '$[*].type ? (@ like_regex "^(text|reasoning)-(start|end)$|^tool-")'
            then tidewire.parts_after(s.open_parts, a.chunks)
          else s.open_parts
        end
    from appends a
    where s.run_id = a.run_id and s.step_slug = a.step_slug and s.item_index = a.item_index
    returning a.ordinal, s.attempt
  ), grown as (
    update public.flow_runs r
    set next_index = r.next_index + n.size, last_append_at = v_now
    from (select a.run_id, pg_catalog.sum(a.size) as size from appends a group by a.run_id) n
    where r.run_id = n.run_id
  ), written as (
    insert into public.streaming_chunks (
      run_id, chunk_index, first_index, step_slug, attempt, chunk_data
    )
    select
      a.run_id, a.first_index + c.ordinality - 1, a.first_index + c.ordinality - 1,
      a.step_slug, s.attempt, c.value
    from appends a
    join stepped s using (ordinal)
    cross join lateral pg_catalog.jsonb_array_elements(a.chunks) with ordinality c
  )
  select
    a.ordinal, 'appended', a.run_id, a.step_slug,
    pg_catalog.jsonb_build_object('first_index', a.first_index)
  from appends a;
end
$$;

-- Appends chunks to the logs of many steps at once and extends their leases.
--
-- p_appends: [{run_id, step_slug, item_index?, lease_token, first_sequence, chunks: [chunk]}], at
-- most one a step. Each has its own answer and none fails its neighbours: appended {first_index},
-- duplicate {first_index}, gap {expected_sequence}, busy (the run is held by somebody else: send
-- the same again), lease_lost, cancelled, invalid {reason}. Never waits for a run.
create function tidewire.append_chunks (
  p_lease interval,
  p_appends jsonb
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
  v_locked uuid[];
  v_judged tidewire.judged_append[];
begin
  perform tidewire.keep_plans_fresh();
  v_locked := tidewire.lock_runs(
    array(select distinct k.run_id from pg_catalog.unnest(tidewire.keys_of(p_appends)) k)
  );
  v_judged := tidewire.judge_appends(p_appends, v_locked);
  return query select * from tidewire.write_appends(p_lease, v_judged);
  return query
  select j.ordinal, j.answer, j.run_id, j.step_slug, j.detail
  from pg_catalog.unnest(v_judged) j
  where j.answer <> 'appended';
end
$$;

-- Saves the data that a step's next attempt goes on from, with the chunks pending before it.
--
-- p_checkpoints: [{run_id, step_slug, item_index?, lease_token, data, first_sequence?, chunks?}].
-- Answers saved {index, first_index?}, where index is the last log index the checkpoint covers and
-- first_index that of the chunks; or the refusals of append_chunks, and then nothing was saved.
-- Data over the limit is invalid {reason}.
create function tidewire.save_checkpoint (
  p_lease interval,
  p_checkpoints jsonb
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
  v_keys tidewire.leased_key[] := tidewire.keys_of(p_checkpoints);
  v_large integer[] := tidewire.too_large(p_checkpoints, 'data');
  v_locked uuid[] := tidewire.lock_runs(array(select distinct k.run_id from pg_catalog.unnest(v_keys) k));
  v_appends tidewire.answer[] := tidewire.append_pending(p_lease, p_checkpoints, v_large);
  v_saved integer[];
begin
  with saved as (
    update public.flow_steps s
    set checkpoint_data = p_checkpoints -> k.ordinal -> 'data',
        checkpoint_index = s.last_index,
        checkpoint_at = tidewire.wall_clock()
    from pg_catalog.unnest(v_keys) k
    where s.run_id = k.run_id
      and s.step_slug = k.step_slug
      and s.item_index = k.item_index
      and s.lease_expires_at is not null
      and s.lease_token = k.lease_token
      and s.run_id = any (v_locked)
      and k.ordinal <> all (v_large || tidewire.refused_ordinals(v_appends))
    returning k.ordinal
  )
  select coalesce(pg_catalog.array_agg(s.ordinal), '{}') into v_saved from saved s;

  return query
  select
    k.ordinal, 'saved', k.run_id, k.step_slug,
    pg_catalog.jsonb_build_object('index', s.checkpoint_index) || coalesce(a.detail, '{}')
  from pg_catalog.unnest(v_keys) k
  join public.flow_steps s
    on s.run_id = k.run_id and s.step_slug = k.step_slug and s.item_index = k.item_index
  left join pg_catalog.unnest(v_appends) a on a.ordinal = k.ordinal
  where k.ordinal = any (v_saved);
  return query select * from tidewire.refused_writes(v_keys, v_saved, v_appends, v_large, 'data');
end
$$;

-- The most bytes that an input, an output or a checkpoint may have as JSON.
create function tidewire.payload_limit ()
  returns integer
  language sql
  stable
  set search_path = ''
as $$
  select l.payload_bytes from tidewire.limits l
$$;

-- The positions of items whose p_field is over the limit. The text is measured only where it can
-- be over: a character takes at most six times its binary size.
create function tidewire.too_large (
  p_items jsonb,
  p_field text
)
  returns integer[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_limit integer := tidewire.payload_limit();
begin
  if pg_catalog.pg_column_size(p_items) <= v_limit / 6 then
    return '{}';
  end if;
  return array(
    select (i.ordinality - 1)::integer
    from pg_catalog.jsonb_array_elements(p_items) with ordinality i
    where pg_catalog.pg_column_size(i.value) > v_limit / 6
      and pg_catalog.octet_length((i.value -> p_field)::text) > v_limit
  );
end
$$;

-- Appends the chunks that come with other writes, before them. Answers keep the items' positions.
create function tidewire.append_pending (
  p_lease interval,
  p_items jsonb,
  p_except integer[]
)
  returns tidewire.answer[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_places integer[];
  v_appends jsonb;
  v_answers tidewire.answer[];
begin
  select
    pg_catalog.array_agg((i.ordinality - 1)::integer order by i.ordinality),
    pg_catalog.jsonb_agg(i.value order by i.ordinality)
  into v_places, v_appends
  from pg_catalog.jsonb_array_elements(p_items) with ordinality i
  where i.value ? 'chunks' and i.value -> 'chunks' not in ('[]', 'null')
    and (i.ordinality - 1)::integer <> all (p_except);
  if v_places is null then
    return '{}';
  end if;
  select pg_catalog.array_agg(
    (v_places[a.ordinal + 1], a.answer, a.run_id, a.step_slug, a.detail)::tidewire.answer
  )
  into v_answers
  from tidewire.append_chunks(p_lease, v_appends) a;
  return v_answers;
end
$$;

-- Judges the chunks that come with other writes, by the positions of those; none without chunks.
create function tidewire.judge_pending (
  p_items jsonb,
  p_locked uuid[],
  p_except integer[]
)
  returns tidewire.judged_append[]
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_places integer[];
  v_appends jsonb;
begin
  if not p_items @? '$[*].chunks[0]' then
    return '{}';
  end if;
  select
    pg_catalog.array_agg((i.ordinality - 1)::integer order by i.ordinality),
    pg_catalog.jsonb_agg(i.value order by i.ordinality)
  into v_places, v_appends
  from pg_catalog.jsonb_array_elements(p_items) with ordinality i
  where i.value -> 'chunks' not in ('[]', 'null') and (i.ordinality - 1)::integer <> all (p_except);
  return array(
    select (
      v_places[j.ordinal + 1], j.run_id, j.step_slug, j.item_index, j.answer, j.chunks, j.detail
    )::tidewire.judged_append
    from pg_catalog.unnest(tidewire.judge_appends(v_appends, p_locked)) j
  );
end
$$;

-- The positions of appends that were refused.
create function tidewire.refused_ordinals (
  p_appends tidewire.answer[]
)
  returns integer[]
  language sql
  immutable
  set search_path = ''
as $$
  select array(
    select a.ordinal
    from pg_catalog.unnest(p_appends) a
    where a.answer not in ('appended', 'duplicate')
  )
$$;

-- The answers for items of a batched write that were not done: too large, their chunks refused,
-- or the step no longer theirs.
create function tidewire.refused_writes (
  p_keys tidewire.leased_key[],
  p_done integer[],
  p_appends tidewire.answer[],
  p_large integer[],
  p_field text
)
  returns setof tidewire.answer
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_refused integer[] := tidewire.refused_ordinals(p_appends);
begin
  return query
  select a.ordinal, a.answer, a.run_id, a.step_slug, a.detail
  from pg_catalog.unnest(p_appends) a
  where a.ordinal = any (v_refused);
  return query
  select
    k.ordinal, 'invalid', k.run_id, k.step_slug,
    pg_catalog.jsonb_build_object(
      'reason', pg_catalog.format('%s must be at most %s bytes', p_field, tidewire.payload_limit())
    )
  from pg_catalog.unnest(p_keys) k
  where k.ordinal = any (p_large);
  return query
  select *
  from tidewire.refusals(
    array(
      select k
      from pg_catalog.unnest(p_keys) k
      where k.ordinal <> all (p_done || v_refused || p_large)
    )
  );
end
$$;

-- The parts that a step has written, for an attempt that goes on from them.
--
-- {parts: {part_id: {type, text, text_at_checkpoint, open, reset}}}; text_at_checkpoint is null
-- without a checkpoint. Empty when the lease is not the caller's.
create function tidewire.read_step_text (
  p_run_id uuid,
  p_step_slug text,
  p_item_index integer,
  p_lease_token bigint
)
  returns jsonb
  language sql
  stable
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
  with step as (
    select s.run_id, s.step_slug, s.checkpoint_index, s.open_parts
    from public.flow_steps s
    where s.run_id = p_run_id
      and s.step_slug = p_step_slug
      and s.item_index = coalesce(p_item_index, -1)
      and s.lease_expires_at is not null
      and s.lease_token = p_lease_token
  ), entries as (
    select c.chunk_index, c.chunk_type, c.chunk_data, s.checkpoint_index, s.open_parts
    from step s
    join public.streaming_chunks c using (run_id, step_slug)
  ), parts as (
    select
      e.chunk_data ->> 'id' as part_id,
      (pg_catalog.array_agg(e.chunk_type))[1] as type,
      pg_catalog.min(e.chunk_index) as first_index,
      coalesce(
        pg_catalog.string_agg(e.chunk_data ->> 'delta', '' order by e.chunk_index), ''
      ) as text,
      case when pg_catalog.max(e.checkpoint_index) is not null then coalesce(
        pg_catalog.string_agg(e.chunk_data ->> 'delta', '' order by e.chunk_index)
          filter (where e.chunk_index <= e.checkpoint_index), ''
      ) end as text_at_checkpoint,
      pg_catalog.bool_or(
        e.open_parts @> pg_catalog.jsonb_build_array(
          pg_catalog.jsonb_build_object('id', e.chunk_data ->> 'id')
        )
      ) as open
    from entries e
    where e.chunk_type in ('text', 'reasoning')
    group by e.chunk_data ->> 'id'
  )
  select pg_catalog.jsonb_build_object(
    'parts',
    coalesce(
      pg_catalog.jsonb_object_agg(
        p.part_id,
        pg_catalog.jsonb_build_object(
          'type', p.type, 'text', p.text, 'text_at_checkpoint', p.text_at_checkpoint,
          'open', p.open,
          'reset', exists (
            select
            from entries e
            where e.chunk_data ->> 'type' = 'data-reset'
              and e.chunk_index > p.first_index
              and e.chunk_data -> 'data' -> 'parts' ? p.part_id
          )
        )
      ),
      '{}'
    )
  )
  from parts p
$$;
