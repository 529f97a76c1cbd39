-- Event triggers of the project's database, owned by supabase_admin. Idempotent.

-- Refuses changes inside realtime by anyone but its owner, save for policies: postgres inherits
-- the owner's rights here only to make those (roles.sql).
create or replace function extensions.protect_realtime ()
  returns event_trigger
  language plpgsql
  set search_path = ''
as $$
declare
  v_object text;
begin
  if current_user in ('supabase_admin', 'supabase_realtime_admin') then
    return;
  end if;
  if tg_event = 'sql_drop' then
    select o.object_identity
      into v_object
      from pg_catalog.pg_event_trigger_dropped_objects() o
     where o.original
       and o.object_type <> 'policy'
       and coalesce(o.schema_name, o.address_names[1]) = 'realtime'
     limit 1;
  else
    select o.object_identity
      into v_object
      from pg_catalog.pg_event_trigger_ddl_commands() o
     where o.command_tag not in ('CREATE POLICY', 'ALTER POLICY')
       and (o.schema_name = 'realtime' or o.object_identity like '% on realtime.%')
     limit 1;
  end if;
  if v_object is not null then
    raise exception sqlstate '42501'
      using message = format('must be owner of %s', v_object),
            hint = 'Only policies of realtime.messages may be changed.';
  end if;
end
$$;

-- Tells the API to read the schema again.
create or replace function extensions.announce_schema_change ()
  returns event_trigger
  language plpgsql
  set search_path = ''
as $$
begin
  if tg_event = 'sql_drop' then
    if not exists (
      select from pg_catalog.pg_event_trigger_dropped_objects() o where not o.is_temporary
    ) then
      return;
    end if;
  elsif not exists (
    select from pg_catalog.pg_event_trigger_ddl_commands() o
    where o.schema_name is distinct from 'pg_temp'
  ) then
    return;
  end if;
  perform pg_catalog.pg_notify('pgrst', 'reload schema');
end
$$;

drop event trigger if exists protect_realtime_ddl;
drop event trigger if exists protect_realtime_drop;
drop event trigger if exists announce_schema_change_ddl;
drop event trigger if exists announce_schema_change_drop;

create event trigger protect_realtime_ddl
  on ddl_command_end execute function extensions.protect_realtime ();
create event trigger protect_realtime_drop
  on sql_drop execute function extensions.protect_realtime ();
create event trigger announce_schema_change_ddl
  on ddl_command_end execute function extensions.announce_schema_change ();
create event trigger announce_schema_change_drop
  on sql_drop execute function extensions.announce_schema_change ();
