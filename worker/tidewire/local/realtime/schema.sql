-- The schema `realtime` of the embedded Supabase. Idempotent; run as supabase_admin.
--
-- Needs the roles anon, authenticated, service_role, postgres and supabase_realtime_admin.

create schema if not exists realtime;

create table if not exists realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now(),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  primary key (id, inserted_at)
) partition by range (inserted_at);

alter table realtime.messages enable row level security;
alter table realtime.messages owner to supabase_realtime_admin;

-- Keeps one partition for each day from yesterday to three days ahead, and drops those whose
-- messages are past the three days for which they can be replayed. Callers take turns. A drop that
-- would wait for a long transaction is left to the next call, so that sends never queue behind it.
create or replace function realtime.maintain_message_partitions ()
  returns void
  language plpgsql
  volatile
  set search_path = ''
  set lock_timeout = '2s'
as $$
declare
  v_day date;
  v_partition text;
begin
  perform pg_advisory_xact_lock(hashtext('realtime.maintain_message_partitions'));
  for v_day in select generate_series(current_date - 1, current_date + 3, interval '1 day') loop
    v_partition := 'messages_' || to_char(v_day, 'YYYY_MM_DD');
    if to_regclass(format('realtime.%I', v_partition)) is null then
      execute format(
        'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
        v_partition, v_day, v_day + 1
      );
      execute format('alter table realtime.%I owner to supabase_realtime_admin', v_partition);
    end if;
  end loop;
  for v_partition in
    select child.relname
    from pg_catalog.pg_inherits
    join pg_catalog.pg_class child on child.oid = pg_inherits.inhrelid
    where pg_inherits.inhparent = 'realtime.messages'::regclass
      and child.relname ~ '^messages_\d{4}_\d{2}_\d{2}$'
      and to_date(right(child.relname, 10), 'YYYY_MM_DD') < current_date - 3
  loop
    begin
      execute format('drop table realtime.%I', v_partition);
    exception
      when lock_not_available then
        raise warning 'partition % is in use and is dropped later', v_partition;
    end;
  end loop;
end;
$$;

select realtime.maintain_message_partitions();

-- The topic that a policy on realtime.messages is asked about.
create or replace function realtime.topic ()
  returns text
  language sql
  stable
as $$
  select nullif(current_setting('realtime.topic', true), '')
$$;

-- Sends one broadcast when the transaction commits.
--
-- The payload gets the key "id", the message's own id, unless it has one. Never fails the caller:
-- whatever goes wrong is a warning, and nothing is sent.
create or replace function realtime.send (
  payload jsonb,
  event text,
  topic text,
  private boolean default true
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_id uuid := gen_random_uuid();
  v_payload jsonb;
begin
  v_payload := case
    when send.payload ? 'id' then send.payload
    else jsonb_set(send.payload, '{id}', to_jsonb(v_id))
  end;
  perform set_config('realtime.topic', send.topic, true);
  insert into realtime.messages (id, payload, event, topic, private, extension)
  values (v_id, v_payload, send.event, send.topic, send.private, 'broadcast');
exception
  when others then
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end;
$$;

-- Sends one broadcast whose payload is bytes. Clients of protocol 1.0.0 do not receive it.
create or replace function realtime.send_binary (
  payload bytea,
  event text,
  topic text,
  private boolean default true
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  perform set_config('realtime.topic', send_binary.topic, true);
  insert into realtime.messages (binary_payload, event, topic, private, extension)
  values (send_binary.payload, send_binary.event, send_binary.topic, send_binary.private,
          'broadcast');
exception
  when others then
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end;
$$;

-- Sends a changed row as a private broadcast; for row triggers.
create or replace function realtime.broadcast_changes (
  topic_name text,
  event_name text,
  operation text,
  table_name text,
  table_schema text,
  new record,
  old record,
  level text default 'ROW'
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
begin
  if level = 'STATEMENT' then
    raise exception 'broadcast_changes must be called for each row, got level %', level
      using hint = 'Declare the trigger "for each row".';
  end if;
  perform realtime.send(
    jsonb_build_object(
      'operation', operation,
      'schema', table_schema,
      'table', table_name,
      'record', to_jsonb(new),
      'old_record', to_jsonb(old)
    ),
    event_name,
    topic_name
  );
end;
$$;

revoke all on function realtime.maintain_message_partitions () from public;
grant usage on schema realtime
  to postgres, anon, authenticated, service_role, supabase_realtime_admin;
grant select, insert on realtime.messages to postgres, anon, authenticated, service_role;
grant execute on function
  realtime.topic (),
  realtime.send (jsonb, text, text, boolean),
  realtime.send_binary (bytea, text, text, boolean),
  realtime.broadcast_changes (text, text, text, text, text, record, record, text)
  to postgres, anon, authenticated, service_role;


do $$
begin
  if not exists (
    select from pg_publication where pubname = 'supabase_realtime_messages_publication'
  ) then
    create publication supabase_realtime_messages_publication
      for table realtime.messages with (publish = 'insert');
  end if;
end;
$$;
