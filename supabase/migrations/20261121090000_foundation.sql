-- What everything else stands on: the schema, the worker's role, clocks, ids and errors.
--
-- public holds what a client may read under RLS and the few RPCs it may call.
-- tidewire holds the worker's API: not exposed, executable by tidewire_worker and service_role.
--
-- Errors. RPCs raise PTnnn, which PostgREST turns into HTTP status nnn, with the TWnnn code in
-- details. The worker API raises the TWnnn code itself.
--   TW001 PT400  an argument has a wrong type or value
--   TW002        the lease is lost: a newer attempt owns the step (an answer, never raised)
--   TW003 PT404  no such flow, run or thread for this caller; somebody else's looks the same
--   TW004 PT409  the same key or id was used before with another input
--   TW005 PT409  the thread has an active run, or the run that is to be repeated is active itself
--   TW006 PT413  a value is over its size limit
--   TW007 PT401  nobody is signed in
--   TW008 PT429  a limit of the project or of the user is reached
--   TW009        a flow definition is wrong
--   TW010        the worker is not registered
--
-- Plans. Functions that others call set, for all that they call in turn, enable_seqscan and
-- enable_bitmapscan off, since a plan made while the tables are small must not read them whole when
-- they have grown; plan_cache_mode = force_generic_plan, since planning anew for each small batch
-- costs more than executing it; and jit off, which the first would tempt Postgres 16 into.
-- Statements that look steps up by their keys name no status that a partial index is made for: to
-- whoever analyzed the table while nothing ran, that index is empty and cheaper to read whole than
-- any other. A step is running exactly while lease_expires_at is not null.
--
-- Lock order, obeyed by every function: run, then thread, then step. Batched calls take runs and
-- steps with skip locked and answer busy for the rest, so that one slow row never stalls a batch.

create schema tidewire;

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tidewire_worker') then
    create role tidewire_worker nologin;
  end if;
  -- From Postgres 16 on, creating a role does not allow its creator to SET ROLE to it.
  execute pg_catalog.format('grant tidewire_worker to %I', current_user);
end
$$;

revoke all on schema tidewire from public, anon, authenticated;
grant usage on schema tidewire to tidewire_worker, service_role;

-- The start of the current statement. Stable, so that it can serve an index condition. Tests
-- freeze time by replacing it.
create function tidewire.clock ()
  returns timestamptz
  language sql
  stable
  set search_path = ''
as $$
  select pg_catalog.statement_timestamp()
$$;

-- The time right now, for leases: a wait for a lock may have made clock() old.
create function tidewire.wall_clock ()
  returns timestamptz
  language sql
  volatile
  set search_path = ''
as $$
  select pg_catalog.clock_timestamp()
$$;

-- A version 7 uuid (RFC 9562): 48 bits of Unix milliseconds, then random bits.
create function tidewire.uuid_v7 ()
  returns uuid
  language sql
  volatile
  set search_path = ''
as $$
  select pg_catalog.encode(
    pg_catalog.set_bit(
      pg_catalog.set_bit(
        pg_catalog.overlay(
          pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
          pg_catalog.substring(
            pg_catalog.int8send(
              pg_catalog.floor(extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint
            ),
            3
          ),
          1,
          6
        ),
        52,
        1
      ),
      53,
      1
    ),
    'hex'
  )::uuid
$$;

-- Raises the client error p_code as HTTP status p_status; p_message states the fact with its ids.
create function tidewire.refuse (
  p_status integer,
  p_code text,
  p_message text,
  p_hint text
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  raise exception using
    errcode = 'PT' || p_status,
    message = p_message,
    detail = p_code,
    hint = p_hint;
end
$$;

-- One row of a batched call's result.
--   ordinal  position of the request item it answers, from 0; null when it answers no single item
--   answer   what became of the item; or logged, claimed, idle
--   detail   what the answer carries, by answer
create type tidewire.answer as (
  ordinal integer,
  answer text,
  run_id uuid,
  step_slug text,
  detail jsonb
);

-- An entry that is about to be written to a run's log, before it has its index.
create type tidewire.log_draft as (
  run_id uuid,
  step_slug text,
  attempt integer,
  chunk jsonb
);

-- What names a step. item_index is -1 but for the items of a map.
create type tidewire.step_key as (
  run_id uuid,
  step_slug text,
  item_index integer
);

-- Who takes steps that are ready, and how many.
create type tidewire.claim as (
  worker_id uuid,
  lease interval,
  queues text[],
  versions text[],
  quantity integer
);

-- What a call changes about a run, beside its log. Several changes of one run add up.
--   starts  its first step was claimed
--   steps   how many more of its steps are settled
--   status  the terminal one it reaches, with its error or output
create type tidewire.run_change as (
  run_id uuid,
  starts boolean,
  steps integer,
  status text,
  error text,
  output jsonb
);

-- A step that has reached its end without ending its run.
--   ordinal   of the request item that did it; null when none did
--   cascades  it was skipped together with all that depends on it
--   line_at   its place in its line, which its dependents take over: started runs finish first
create type tidewire.settled_step as (
  ordinal integer,
  run_id uuid,
  step_slug text,
  flow_version text,
  cascades boolean,
  line_at timestamptz
);

-- What follows from something that happened to steps. A change of status failed ends its run.
create type tidewire.consequences as (
  settled tidewire.settled_step[],
  drafts tidewire.log_draft[],
  changes tidewire.run_change[]
);
