-- Threads and their messages, runs, steps, and the log. Nobody has direct DML on these tables:
-- every write goes through a function.

create table public.flow_threads (
  user_id uuid not null references auth.users on delete cascade,
  thread_id text not null,
  title text,
  active_run_id uuid,
  created_at timestamptz not null default pg_catalog.now(),
  updated_at timestamptz not null default pg_catalog.now(),
  primary key (user_id, thread_id),
  constraint thread_id_is_url_safe check (thread_id ~ '^[A-Za-z0-9_-]{1,64}$')
);

create table public.flow_runs (
  run_id uuid primary key default tidewire.uuid_v7(),
  flow_slug text not null,
  -- No foreign key: versions are never deleted, and every start would lock the one row of its flow.
  flow_version text not null,
  user_id uuid references auth.users on delete cascade,
  thread_id text,
  message_id text not null,
  origin_run_id uuid,
  parent_run_id uuid,
  status text not null default 'queued',
  held boolean not null default false,
  input jsonb not null,
  output jsonb,
  error text,
  remaining_steps integer not null,
  next_index bigint not null default 0,
  idempotency_key text,
  input_hash bytea not null,
  priority integer not null default 0,
  start_at timestamptz,
  deadline_at timestamptz not null,
  created_at timestamptz not null default pg_catalog.now(),
  started_at timestamptz,
  finished_at timestamptz,
  last_append_at timestamptz,
  folded_at timestamptz,
  purged_at timestamptz,
  foreign key (user_id, thread_id) references public.flow_threads on delete cascade,
  constraint status_is_known
    check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
  constraint finished_exactly_when_terminal
    check ((status in ('completed', 'failed', 'cancelled')) = (finished_at is not null)),
  constraint output_only_when_completed
    check (output is null or status = 'completed'),
  constraint error_exactly_when_failed
    check ((error is not null) = (status = 'failed')),
  constraint held_only_while_queued
    check (not held or status in ('queued', 'cancelled', 'failed')),
  constraint completed_means_no_step_remains
    check (status <> 'completed' or remaining_steps = 0),
  constraint remaining_steps_is_not_negative check (remaining_steps >= 0),
  constraint thread_needs_an_owner check (thread_id is null or user_id is not null),
  constraint idempotency_key_is_short
    check (idempotency_key is null or pg_catalog.length(idempotency_key) between 1 and 255),
  constraint message_id_is_short check (pg_catalog.length(message_id) between 1 and 64)
)
with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

create unique index flow_runs_by_idempotency_key on public.flow_runs (
  (coalesce(user_id, '00000000-0000-0000-0000-000000000000'::uuid)), flow_slug, idempotency_key
) where idempotency_key is not null;
create index flow_runs_by_owner on public.flow_runs (user_id, created_at desc)
  where user_id is not null;
create index flow_runs_by_origin on public.flow_runs (origin_run_id)
  where origin_run_id is not null;
create index flow_runs_by_thread on public.flow_runs (user_id, thread_id, created_at)
  where thread_id is not null;
create index flow_runs_by_deadline on public.flow_runs (deadline_at)
  where status in ('queued', 'running');
create index flow_runs_to_fold on public.flow_runs (run_id)
  where thread_id is not null and folded_at is null and finished_at is not null;
-- The owner as text, so that looking for the few runs that wait in a thread can use no other index:
-- stale statistics would choose one with all runs of the owner.
create index flow_runs_held on public.flow_runs ((user_id::text), thread_id, created_at) where held;

create table public.flow_messages (
  user_id uuid not null,
  thread_id text not null,
  message_id text not null,
  role text not null,
  parts jsonb not null,
  metadata jsonb,
  status text not null,
  superseded_by text,
  run_id uuid,
  position bigint not null generated always as identity,
  created_at timestamptz not null default pg_catalog.now(),
  primary key (user_id, thread_id, message_id),
  foreign key (user_id, thread_id) references public.flow_threads on delete cascade,
  constraint message_id_is_url_safe check (message_id ~ '^[A-Za-z0-9_-]{1,64}$'),
  constraint role_is_known check (role in ('user', 'assistant', 'system')),
  constraint status_is_known check (status in ('complete', 'streaming', 'incomplete')),
  constraint parts_is_an_array check (pg_catalog.jsonb_typeof(parts) = 'array')
);

create index flow_messages_in_order on public.flow_messages (user_id, thread_id, position);

-- Steps and chunks have no foreign key to their run: they are written under its row's lock alone,
-- and a check for each of them would cost more than all the rest. delete_with_runs cascades.
--
-- A map step has a row for itself (item_index -1) that waits for its items, and one an item.
-- available_at is a step's place in its line: when it became ready, or that of the step before it.
create table public.flow_steps (
  run_id uuid not null,
  step_slug text not null,
  item_index integer not null default -1,
  flow_version text not null,
  queue text not null,
  priority integer not null default 0,
  status text not null,
  remaining_deps integer not null default 0,
  remaining_items integer,
  total_items integer,
  failed_items integer,
  item_input jsonb,
  attempt integer not null default 0,
  max_attempts integer not null,
  available_at timestamptz not null,
  lease_token bigint not null default 0,
  lease_expires_at timestamptz,
  attempt_deadline_at timestamptz,
  worker_id uuid,
  last_sequence bigint not null default 0,
  last_index bigint,
  open_parts jsonb not null default '[]',
  checkpoint_data jsonb,
  checkpoint_index bigint,
  checkpoint_at timestamptz,
  sleeps jsonb,
  output jsonb,
  error text,
  reused text,
  counted_at timestamptz,
  created_at timestamptz not null default pg_catalog.now(),
  ready_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (run_id, step_slug, item_index),
  constraint status_is_known check (
    status in (
      'waiting', 'scheduled', 'queued', 'running', 'completed', 'failed', 'cancelled', 'skipped'
    )
  ),
  constraint leased_exactly_while_running
    check ((status = 'running') = (lease_expires_at is not null)),
  constraint held_by_a_worker_exactly_while_running
    check ((status = 'running') = (worker_id is not null)),
  constraint attempt_has_a_deadline_exactly_while_running
    check ((status = 'running') = (attempt_deadline_at is not null)),
  constraint output_exactly_when_completed
    check ((output is not null) = (status = 'completed')),
  constraint ready_only_without_open_dependencies
    check (remaining_deps = 0 or status in ('waiting', 'cancelled', 'skipped')),
  constraint finished_exactly_when_terminal check (
    (status in ('completed', 'failed', 'cancelled', 'skipped')) = (finished_at is not null)
  ),
  constraint attempts_stay_within_their_limit check (attempt between 0 and max_attempts),
  constraint remaining_deps_is_not_negative check (remaining_deps >= 0),
  constraint items_are_counted_on_the_maps_own_row check (
    remaining_items is null
    or (item_index = -1 and failed_items <= total_items and remaining_items between 0 and total_items)
  ),
  constraint item_has_an_input_exactly_if_it_is_one check ((item_index >= 0) = (item_input is not null)),
  constraint reused_is_known check (reused in ('run', 'cache'))
)
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create index flow_steps_ready
  on public.flow_steps (flow_version, queue, priority desc, available_at)
  where status = 'queued';
create index flow_steps_scheduled on public.flow_steps (available_at) where status = 'scheduled';
-- Not on lease_expires_at: an index on it would cost every heartbeat its HOT update.
create index flow_steps_running on public.flow_steps (run_id) where status = 'running';

create table public.streaming_chunks (
  run_id uuid not null,
  chunk_index bigint not null,
  first_index bigint not null,
  delta_ends integer[],
  step_slug text,
  attempt integer,
  chunk_type text not null generated always as (
    case pg_catalog.split_part(chunk_data ->> 'type', '-', 1)
      when 'text' then 'text'
      when 'reasoning' then 'reasoning'
      when 'tool' then 'tool'
      when 'data' then 'data'
      when 'source' then 'source'
      when 'file' then 'file'
      else 'control'
    end
  ) stored,
  chunk_data jsonb not null,
  created_at timestamptz not null default pg_catalog.now(),
  primary key (run_id, chunk_index),
  constraint range_is_in_order check (first_index between 0 and chunk_index),
  constraint chunk_has_a_type check (chunk_data ? 'type'),
  constraint merged_deltas_know_their_ends check (
    pg_catalog.cardinality(delta_ends) = chunk_index - first_index + 1
  ),
  constraint only_merged_deltas_span_indexes check (
    first_index = chunk_index or delta_ends is not null
  )
)
with (autovacuum_vacuum_insert_scale_factor = 0.05);

-- Takes the steps, the logs and the cached outputs of deleted runs along.
create function tidewire.delete_with_runs ()
  returns trigger
  language plpgsql
  volatile
  security definer -- whoever may delete a run need not have rights on what hangs on it
  set search_path = ''
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
as $$
begin
  delete from public.streaming_chunks c using gone g where c.run_id = g.run_id;
  delete from public.flow_steps s using gone g where s.run_id = g.run_id;
  delete from tidewire.cache c using gone g where c.run_id = g.run_id;
  return null;
end
$$;

create trigger "Steps and logs go with their run"
after delete on public.flow_runs
referencing old table as gone
for each statement
execute function tidewire.delete_with_runs();
