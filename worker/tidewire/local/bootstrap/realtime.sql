-- Ownership and privileges of schema realtime as hosted projects have them. Run as supabase_admin
-- after the Realtime server's schema. Idempotent.

create schema if not exists realtime;

do $$
declare
  v_object record;
begin
  for v_object in
    select format('table %I.%I', n.nspname, c.relname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'realtime' and c.relkind in ('r', 'p', 'v')
    union all
    select format('routine %s', p.oid::regprocedure)
    from pg_proc p
    where p.pronamespace = 'realtime'::regnamespace
  loop
    execute format('alter %s owner to supabase_realtime_admin', v_object.name);
  end loop;
end
$$;

grant usage on schema realtime to postgres with grant option;
grant usage on schema realtime to anon, authenticated, service_role;
grant usage, create on schema realtime to supabase_realtime_admin with grant option;
