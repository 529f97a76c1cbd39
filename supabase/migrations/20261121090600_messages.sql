-- Chat: a message starts a run, and a finished log becomes the message that answers it.

-- Refuses a chat message that is not a UIMessage of the user.
create function tidewire.check_message (
  p_message jsonb,
  p_on_busy text
)
  returns void
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_problem text;
begin
  v_problem := case
    when pg_catalog.jsonb_typeof(p_message) is distinct from 'object'
      then 'message must be an object, got ' || coalesce(pg_catalog.jsonb_typeof(p_message), 'nothing')
    when coalesce(p_message ->> 'id', '') !~ '^[A-Za-z0-9_-]{1,64}$'
      then 'message.id must be 1 to 64 of A-Z a-z 0-9 _ -, got '
        || pg_catalog.left(coalesce(p_message ->> 'id', 'nothing'), 80)
    when p_message ->> 'role' is distinct from 'user'
      then 'message.role must be user, got '
        || pg_catalog.left(coalesce(p_message ->> 'role', 'nothing'), 80)
    when pg_catalog.jsonb_typeof(p_message -> 'parts') is distinct from 'array'
      or p_message -> 'parts' = '[]'
      then 'message.parts must be a list of at least one part, got '
        || pg_catalog.left(coalesce(p_message ->> 'parts', 'nothing'), 80)
    when p_message -> 'parts' @? 'strict $[*] ? (
      !(@.type() == "object" && @.type.type() == "string"
        && (@.type != "text" || @.text.type() == "string"))
    )' or p_message @? 'strict $.parts[*] ? (@.type() != "object")'
      then 'message.parts must be objects with a type, and text of text parts must be text'
    when coalesce(p_on_busy, '') not in ('reject', 'queue', 'cancel')
      then 'on_busy must be reject, queue or cancel, got '
        || pg_catalog.left(coalesce(p_on_busy, 'nothing'), 80)
  end;
  if v_problem is not null then
    perform tidewire.refuse(
      400, 'TW001', v_problem, 'Send a UIMessage as useChat makes it: {id, role, parts}.'
    );
  end if;
end
$$;

-- What an earlier send of the same message answered; null when the message is new.
--
-- Raises PT409 TW004 when the id was used for another message.
create function tidewire.answered_message (
  p_user_id uuid,
  p_thread_id text,
  p_message jsonb
)
  returns jsonb
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_message public.flow_messages;
  v_status text;
begin
  select m.*
  into v_message
  from public.flow_messages m
  where m.user_id = p_user_id and m.thread_id = p_thread_id and m.message_id = p_message ->> 'id';
  if not found then
    return null;
  end if;
  if v_message.role <> 'user' or v_message.parts <> p_message -> 'parts' then
    perform tidewire.refuse(
      409, 'TW004',
      pg_catalog.format('message %s was sent before with other parts', p_message ->> 'id'),
      'Give a new message a new id.'
    );
  end if;
  select r.status into v_status from public.flow_runs r where r.run_id = v_message.run_id;
  return pg_catalog.jsonb_build_object(
    'run_id', v_message.run_id, 'message_id', v_message.run_id, 'thread_id', p_thread_id,
    'status', v_status, 'created', false
  );
end
$$;

-- Stores a user's message, opens the assistant's answer as streaming, and starts the run that
-- writes it: all or nothing.
--
-- message: a UIMessage {id, role: "user", parts, metadata?}; the run's input is {message}.
-- on_busy, when the thread has an active run: reject raises PT409 TW005 naming it, queue starts
-- after it, cancel ends it and those queued behind it first. Returns {run_id, message_id, thread_id, status, created};
-- sending the same message again returns its run. Raises what start_run raises.
create function public.send_message (
  thread_id text,
  message jsonb,
  flow_slug text,
  on_busy text default 'reject'
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
#variable_conflict use_variable
declare
  v_owner uuid := tidewire.signed_in_user();
  v_input jsonb := pg_catalog.jsonb_build_object('message', message);
  v_active uuid;
  v_run jsonb;
begin
  perform tidewire.keep_plans_fresh();
  perform tidewire.check_message(message, on_busy);
  perform tidewire.check_start(v_input, coalesce(thread_id, ''), null);
  perform tidewire.check_open_to_users(flow_slug);
  -- Before anything is cancelled: the active run may be this very message's.
  v_run := tidewire.answered_message(v_owner, thread_id, message);
  if v_run is not null then
    return v_run;
  end if;
  perform tidewire.hold_user(v_owner);
  if on_busy = 'cancel' then
    perform tidewire.cancel_thread_runs(v_owner, thread_id);
  end if;
  v_active := tidewire.lock_thread(v_owner, thread_id, tidewire.message_title(message));
  v_run := tidewire.answered_message(v_owner, thread_id, message);
  if v_run is not null then
    return v_run;
  end if;
  if v_active is not null and on_busy <> 'queue' then
    perform tidewire.refuse_busy_thread(thread_id, v_active);
  end if;

  perform tidewire.fold_thread(v_owner, thread_id);
  v_run := tidewire.create_run(
    v_owner, flow_slug, v_input, null, thread_id, null, 0, v_active is not null
  );
  insert into public.flow_messages (
    user_id, thread_id, message_id, role, parts, metadata, status, run_id
  )
  values
    (v_owner, thread_id, message ->> 'id', 'user', message -> 'parts', message -> 'metadata',
      'complete', (v_run ->> 'run_id')::uuid),
    (v_owner, thread_id, v_run ->> 'message_id', 'assistant', '[]', null,
      'streaming', (v_run ->> 'run_id')::uuid);
  update public.flow_threads t
  set active_run_id = coalesce(v_active, tidewire.id_if_active(v_run)), updated_at = tidewire.clock()
  where t.user_id = v_owner and t.thread_id = thread_id;
  perform tidewire.broadcast(
    pg_catalog.format('tidewire:thread:%s:%s', v_owner, thread_id), 'thread',
    pg_catalog.jsonb_build_object('run_id', v_run -> 'run_id', 'message_id', v_run -> 'message_id')
  );
  return v_run || pg_catalog.jsonb_build_object('thread_id', thread_id);
end
$$;

-- The first words of a message, as the title of a new thread; null when it has no text.
create function tidewire.message_title (
  p_message jsonb
)
  returns text
  language sql
  immutable
  set search_path = ''
as $$
  select nullif(
    pg_catalog.left(pg_catalog.string_agg(p.value ->> 'text', ' ' order by p.ordinality), 80), ''
  )
  from pg_catalog.jsonb_array_elements(p_message -> 'parts') with ordinality p
  where p.value ->> 'type' = 'text'
$$;

-- Cancels every run of a thread that has not ended: those that wait for their turn, then the
-- active one. Takes runs before the thread.
create function tidewire.cancel_thread_runs (
  p_user_id uuid,
  p_thread_id text
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_run_id uuid;
begin
  for v_run_id in
    select w.run_id
    from (
      select r.run_id, 1 as rank
      from public.flow_runs r
      where r.user_id::text = p_user_id::text and r.thread_id = p_thread_id and r.held
      union all
      select t.active_run_id, 2
      from public.flow_threads t
      where t.user_id = p_user_id and t.thread_id = p_thread_id and t.active_run_id is not null
    ) w
    order by w.rank, w.run_id
  loop
    perform public.cancel_run(v_run_id);
  end loop;
end
$$;

-- Deep merge of two objects: keys of the later one win, objects are merged in turn.
create function tidewire.merge_metadata (
  p_earlier jsonb,
  p_later jsonb
)
  returns jsonb
  language plpgsql
  immutable
  set search_path = ''
as $$
begin
  if pg_catalog.jsonb_typeof(p_earlier) is distinct from 'object'
    or pg_catalog.jsonb_typeof(p_later) is distinct from 'object'
  then
    return coalesce(p_later, p_earlier);
  end if;
  return (
    select coalesce(
      pg_catalog.jsonb_object_agg(
        k.key, tidewire.merge_metadata(p_earlier -> k.key, p_later -> k.key)
      ),
      '{}'
    )
    from (
      select pg_catalog.jsonb_object_keys(p_earlier) as key
      union
      select pg_catalog.jsonb_object_keys(p_later)
    ) k
  );
end
$$;

create aggregate tidewire.merged_metadata (jsonb) (
  sfunc = tidewire.merge_metadata,
  stype = jsonb
);

-- The part that the chunks of one tool call add up to: its input, then its output or error.
create function tidewire.tool_part (
  p_chunks jsonb[]
)
  returns jsonb
  language sql
  immutable
  set search_path = ''
as $$
  select pg_catalog.jsonb_strip_nulls(
    pg_catalog.jsonb_build_object(
      'type', 'tool-' || (pg_catalog.array_agg(c ->> 'toolName') filter (where c ? 'toolName'))[1],
      'toolCallId', (pg_catalog.array_agg(c ->> 'toolCallId'))[1],
      'state', case
        when pg_catalog.bool_or(c ->> 'type' in ('tool-output-error', 'tool-input-error'))
          then 'output-error'
        when pg_catalog.bool_or(c ->> 'type' = 'tool-output-available') then 'output-available'
        when pg_catalog.bool_or(c ->> 'type' = 'tool-input-available') then 'input-available'
        else 'input-streaming'
      end,
      'errorText', (pg_catalog.array_agg(c ->> 'errorText') filter (where c ? 'errorText'))[1]
    )
  )
  || coalesce(
    (pg_catalog.array_agg(pg_catalog.jsonb_build_object('input', c -> 'input'))
      filter (where c ? 'input'))[1],
    '{}'
  )
  || coalesce(
    (pg_catalog.array_agg(pg_catalog.jsonb_build_object('output', c -> 'output') order by place desc)
      filter (where c ? 'output'))[1],
    '{}'
  )
  from pg_catalog.unnest(p_chunks) with ordinality u (c, place)
$$;

-- The parts of the message that a run's log adds up to, as a UIMessage holds them.
--
-- Data parts of one type and id are one part, the latest; transient ones are left out; parts that
-- data-reset names are dropped.
create function tidewire.message_parts (
  p_run_id uuid
)
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  with entries as (
    select
      c.chunk_index,
      c.chunk_type as kind,
      c.chunk_data as chunk,
      c.chunk_data ->> 'type' as type,
      coalesce(
        c.chunk_data ->> 'toolCallId', c.chunk_data ->> 'id', 'at.' || c.chunk_index
      ) as part_id
    from public.streaming_chunks c
    where c.run_id = p_run_id
  ), resets as (
    select e.chunk_index, p.value as part_id
    from entries e,
      pg_catalog.jsonb_array_elements_text(
        case pg_catalog.jsonb_typeof(e.chunk #> '{data,parts}')
          when 'array' then e.chunk #> '{data,parts}'
          else '[]'
        end
      ) p
    where e.type = 'data-reset'
  ), kept as (
    select e.*, case when e.kind = 'data' then e.type else e.kind end as part_kind
    from entries e
    where (e.kind <> 'control' or e.type = 'start-step')
      and e.type <> 'data-reset'
      and e.chunk -> 'transient' is distinct from 'true'
      and not exists (
        select from resets r where r.part_id = e.part_id and r.chunk_index > e.chunk_index
      )
  ), parts as (
    select
      pg_catalog.min(k.chunk_index) as place,
      case
        when k.kind in ('text', 'reasoning') then pg_catalog.jsonb_build_object(
          'type', k.kind,
          'text', coalesce(
            pg_catalog.string_agg(k.chunk ->> 'delta', '' order by k.chunk_index), ''
          ),
          'state', 'done'
        )
        when k.kind = 'tool' then tidewire.tool_part(
          pg_catalog.array_agg(k.chunk order by k.chunk_index)
        )
        when k.kind = 'control' then '{"type": "step-start"}'
        else (pg_catalog.array_agg(k.chunk order by k.chunk_index desc))[1]
      end as part
    from kept k
    group by k.kind, k.part_kind, k.part_id
    -- What remains of a part that was reset, such as its end, is no part.
    having k.kind not in ('text', 'reasoning', 'tool')
      or pg_catalog.bool_or(
        k.type in (
          'text-start', 'reasoning-start', 'tool-input-start', 'tool-input-available',
          'tool-input-error'
        )
      )
  )
  select coalesce(pg_catalog.jsonb_agg(p.part order by p.place), '[]')
  from parts p
$$;

-- Turns finished logs into the assistant messages they answer: parts, metadata, status.
--
-- A completed run's message is complete, any other's incomplete, and so is one whose log cannot be
-- folded. Idempotent; runs that somebody else holds are skipped. Without ids, the oldest p_limit that wait for it. Returns how many.
create function tidewire.fold_messages (
  p_run_ids uuid[] default null,
  p_limit integer default 100
)
  returns integer
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
  v_run_ids uuid[] := coalesce(p_run_ids, tidewire.runs_to_fold(p_limit));
  v_run record;
  v_count integer := 0;
begin
  for v_run in
    select r.run_id, r.user_id, r.thread_id, r.message_id, r.status
    from public.flow_runs r
    where r.run_id = any (v_run_ids)
      and r.thread_id is not null
      and r.folded_at is null
      and r.status in ('completed', 'failed', 'cancelled')
    order by r.run_id
    limit p_limit
    for no key update skip locked
  loop
    begin
      update public.flow_messages m
      set parts = tidewire.message_parts(v_run.run_id),
          metadata = (
            select tidewire.merged_metadata(c.chunk_data -> 'messageMetadata' order by c.chunk_index)
            from public.streaming_chunks c
            where c.run_id = v_run.run_id and c.chunk_data ? 'messageMetadata'
          ),
          status = case when v_run.status = 'completed' then 'complete' else 'incomplete' end
      where m.user_id = v_run.user_id
        and m.thread_id = v_run.thread_id
        and m.message_id = v_run.message_id
        and m.status = 'streaming';
    exception
      when others then
        -- One log that cannot be folded must keep neither its thread nor the others waiting.
        raise warning 'tidewire.fold_messages: run % could not be folded: %', v_run.run_id, sqlerrm;
        update public.flow_messages m
        set status = 'incomplete'
        where m.user_id = v_run.user_id
          and m.thread_id = v_run.thread_id
          and m.message_id = v_run.message_id
          and m.status = 'streaming';
    end;
    update public.flow_runs r set folded_at = tidewire.clock() where r.run_id = v_run.run_id;
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;

-- The oldest finished runs whose logs are not folded yet.
create function tidewire.runs_to_fold (
  p_limit integer
)
  returns uuid[]
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return array(
    select r.run_id
    from public.flow_runs r
    where r.thread_id is not null and r.folded_at is null and r.finished_at is not null
    order by r.run_id
    limit p_limit
  );
end
$$;

-- Folds the finished runs of one thread, so that the next turn sees every earlier answer.
create function tidewire.fold_thread (
  p_user_id uuid,
  p_thread_id text
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_run_ids uuid[];
begin
  -- By the messages, all of whose indexes begin with the thread: those of runs tempt the planner
  -- to read all runs of the owner.
  select pg_catalog.array_agg(r.run_id)
  into v_run_ids
  from public.flow_messages m
  join public.flow_runs r on r.run_id = m.run_id
  where m.user_id = p_user_id
    and m.thread_id = p_thread_id
    and m.status = 'streaming'
    and r.folded_at is null
    and r.status in ('completed', 'failed', 'cancelled');
  if v_run_ids is not null then
    perform tidewire.fold_messages(v_run_ids, pg_catalog.cardinality(v_run_ids));
  end if;
end
$$;

-- The conversation that a run answers, oldest message first, as UIMessages: everything in its
-- thread before its own answer, without what was superseded and without answers in progress.
create function tidewire.thread_messages (
  p_run_id uuid
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
  v_run public.flow_runs;
  v_before bigint;
begin
  perform tidewire.keep_plans_fresh();
  select r.* into v_run from public.flow_runs r where r.run_id = p_run_id;
  perform tidewire.fold_thread(v_run.user_id, v_run.thread_id);
  select m.position
  into v_before
  from public.flow_messages m
  where m.user_id = v_run.user_id
    and m.thread_id = v_run.thread_id
    and m.message_id = v_run.message_id;
  return (
    select coalesce(
      pg_catalog.jsonb_agg(
        pg_catalog.jsonb_strip_nulls(
          pg_catalog.jsonb_build_object(
            'id', m.message_id, 'role', m.role, 'metadata', m.metadata
          )
        ) || pg_catalog.jsonb_build_object(
          'parts',
          -- Ended, and somebody else is just folding it: it is read from the log, without a wait.
          case m.status when 'streaming' then tidewire.message_parts(m.run_id) else m.parts end
        )
        order by m.position
      ),
      '[]'
    )
    from public.flow_messages m
    where m.user_id = v_run.user_id
      and m.thread_id = v_run.thread_id
      and m.superseded_by is null
      and (
        m.status <> 'streaming'
        or exists (
          select
          from public.flow_runs r
          where r.run_id = m.run_id and r.finished_at is not null
        )
      )
      and m.position < coalesce(v_before, 9223372036854775807)
  );
end
$$;
