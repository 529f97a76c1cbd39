-- Replaces both clocks by real time plus what a test has moved it by. For throw-away databases of
-- tests alone.
--
-- Time moves between transactions, never within one: reading a clock locks table turnstile until
-- the transaction ends, and moving waits for all who hold it. What it moved by is a sequence's
-- value, because that is seen at once: in a table, a statement that began before and had to wait
-- would still see the old time, and write it.

create schema tidewire_testing;

create sequence tidewire_testing.moved_microseconds minvalue 0 start 0;

create table tidewire_testing.turnstile ();

-- Whoever may ask for the time must be able to.
grant usage on schema tidewire_testing to public;
grant select on tidewire_testing.moved_microseconds, tidewire_testing.turnstile to public;

-- How far time was moved in all. The same throughout a transaction, hence stable.
create function tidewire_testing.moved_by ()
  returns interval
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_microseconds bigint;
begin
  select m.last_value
  into v_microseconds
  from tidewire_testing.moved_microseconds m
  left join tidewire_testing.turnstile on true;
  return v_microseconds * interval '1 microsecond';
end
$$;

create or replace function tidewire.clock ()
  returns timestamptz
  language sql
  stable
  set search_path = ''
as $$
  select pg_catalog.statement_timestamp() + tidewire_testing.moved_by()
$$;

create or replace function tidewire.wall_clock ()
  returns timestamptz
  language sql
  volatile
  set search_path = ''
as $$
  select pg_catalog.clock_timestamp() + tidewire_testing.moved_by()
$$;

-- Maintains until nothing is left to do. Bounded, should something never be done.
create function tidewire_testing.do_what_is_due ()
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  for turn in 1 .. 100 loop
    exit when not exists (
      select from pg_catalog.jsonb_each_text(tidewire.maintain()) e where e.value::integer > 0
    );
  end loop;
end
$$;

-- Moves both clocks for every session at once, does what has become due, and wakes the worker.
--
-- A worker that lives keeps its leases as the seconds pass, so its leases move along. Only an
-- attempt whose own time is up by then loses its lease, and is rescued. Nobody can claim a step at
-- the new time before all that is done.
--
-- p_microseconds: how far it is moved in all, so that a call can be repeated; never back.
-- Raises 55P03 when a transaction is in the way.
create function tidewire_testing.move_time (
  p_microseconds bigint,
  p_worker_id uuid,
  p_lease interval
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
  set lock_timeout = '200ms'
as $$
declare
  v_held jsonb;
  v_in_time jsonb;
begin
  lock table tidewire_testing.turnstile in access exclusive mode;
  -- Locked here, so that what follows passes over none of them.
  perform from tidewire.workers w where w.worker_id = p_worker_id for no key update nowait;
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(h)), '[]')
  into v_held
  from (
    select s.run_id, s.step_slug, s.item_index, s.lease_token
    from public.flow_steps s
    where s.status = 'running' and s.worker_id = p_worker_id
    for no key update nowait
  ) h;
  perform pg_catalog.setval(
    'tidewire_testing.moved_microseconds', greatest(m.last_value, p_microseconds)
  )
  from tidewire_testing.moved_microseconds m;

  -- No lease is extended past the attempt's time limit by more than itself: this short one tells
  -- the attempts that are in time from those that are not.
  select coalesce(pg_catalog.jsonb_agg(v_held -> e.ordinal), '[]')
  into v_in_time
  from tidewire.extend_leases(p_worker_id, interval '1 ms', v_held) e
  where e.answer = 'extended';
  perform tidewire.extend_leases(p_worker_id, p_lease, v_in_time);
  perform tidewire_testing.do_what_is_due();
  perform pg_catalog.pg_notify('tidewire_wake', '');
end
$$;
