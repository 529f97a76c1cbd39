-- The workers that serve flows: who they are, and whether they wait for work.

create table tidewire.workers (
  worker_id uuid primary key,
  name text not null,
  host text not null,
  pid integer not null,
  queues text[] not null,
  versions text[] not null default '{}',
  idle boolean not null default false,
  started_at timestamptz not null default pg_catalog.now(),
  last_seen_at timestamptz not null default pg_catalog.now(),
  stopped_at timestamptz
);

alter table tidewire.workers enable row level security;

-- Announces a worker and tells it the limits {payload_bytes}. Repeating it refreshes the row.
--
-- p_document: {name, pid, host, queues: [text]}
create function tidewire.register_worker (
  p_worker_id uuid,
  p_document jsonb
)
  returns jsonb
  language plpgsql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
begin
  insert into tidewire.workers as w (worker_id, name, host, pid, queues)
  values (
    p_worker_id,
    p_document ->> 'name',
    p_document ->> 'host',
    (p_document ->> 'pid')::integer,
    array(select pg_catalog.jsonb_array_elements_text(p_document -> 'queues'))
  )
  on conflict (worker_id) do update
    set queues = excluded.queues, last_seen_at = tidewire.clock(), stopped_at = null;
  return (select pg_catalog.jsonb_build_object('payload_bytes', l.payload_bytes) from tidewire.limits l);
end
$$;

-- Marks a worker as waiting for work (true) or busy (false). A start notifies only when some
-- worker waits. Protocol: set true, claim once more, then sleep until tidewire_wake or the poll.
-- A claim that brings steps sets false.
create function tidewire.set_idle (
  p_worker_id uuid,
  p_idle boolean
)
  returns void
  language sql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
  update tidewire.workers
  set idle = p_idle, last_seen_at = tidewire.clock()
  where worker_id = p_worker_id
$$;

-- A worker that was given steps waits for none. Skipped while another call of the worker holds its
-- row: the next claim does it.
create function tidewire.end_idleness (
  p_worker_id uuid
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  update tidewire.workers w
  set idle = false
  where w.worker_id in (
    select f.worker_id
    from tidewire.workers f
    where f.worker_id = p_worker_id and f.idle
    for no key update skip locked
  );
end
$$;

-- Says goodbye. The row stays as history until maintain() removes it.
create function tidewire.stop_worker (
  p_worker_id uuid
)
  returns void
  language sql
  volatile
  security definer -- the worker's role has no right on the tables
  set search_path = ''
as $$
  update tidewire.workers
  set stopped_at = tidewire.clock(), idle = false
  where worker_id = p_worker_id
$$;

-- Wakes waiting workers at commit. Cheap when none waits: NOTIFY takes a lock that all committing
-- transactions share, so it is never sent for nothing.
create function tidewire.wake_workers ()
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  if exists (
    select
    from tidewire.workers w
    where w.idle and w.last_seen_at > tidewire.clock() - interval '1 minute'
  ) then
    perform pg_catalog.pg_notify('tidewire_wake', '');
  end if;
end
$$;

-- Whether a live worker serves a version.
create function tidewire.is_served (
  p_version text
)
  returns boolean
  language sql
  stable
  security definer -- who looks at stranded runs need not have the clock
  set search_path = ''
as $$
  select exists (
    select
    from tidewire.workers w
    where p_version = any (w.versions)
      and w.stopped_at is null
      and w.last_seen_at > tidewire.clock() - interval '1 minute'
  )
$$;
