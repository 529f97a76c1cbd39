-- Roles, schemas and privileges of a hosted Supabase project. Run as supabase_admin in the
-- project's database. Idempotent. Session settings, given by the caller:
--   tidewire.postgres_password, tidewire.authenticator_password, tidewire.auth_admin_password,
--   tidewire.auto_grants  'on': new tables, sequences and functions of public are granted to the
--                         API roles, as projects made before 2026-05-30 have it; 'off': they are not.

do $$
declare
  v_role text;
  v_attributes text;
begin
  for v_role, v_attributes in values
    ('postgres', 'login createrole createdb replication bypassrls'),
    ('anon', 'nologin noinherit'),
    ('authenticated', 'nologin noinherit'),
    ('service_role', 'nologin noinherit bypassrls'),
    ('authenticator', 'login noinherit'),
    ('supabase_auth_admin', 'login noinherit'),
    ('supabase_realtime_admin', 'nologin noinherit')
  loop
    if not exists (select from pg_roles where rolname = v_role) then
      execute format('create role %I %s', v_role, v_attributes);
    end if;
  end loop;
  execute format('alter role postgres password %L', current_setting('tidewire.postgres_password'));
  execute format(
    'alter role authenticator password %L', current_setting('tidewire.authenticator_password')
  );
  execute format(
    'alter role supabase_auth_admin password %L', current_setting('tidewire.auth_admin_password')
  );
end
$$;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = "$user", public, extensions;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend, pg_create_subscription
  to postgres with admin option;

-- Only the owner of realtime.messages may make policies on it; a hosted project lets postgres do
-- that through an extension. Membership without SET stands in for it, and an event trigger
-- (ddl.sql) refuses whatever else it would allow.
grant supabase_realtime_admin to postgres with admin false, inherit true, set false;

-- The API lists tables and columns as authenticator, which owns none of them and sees in the
-- catalogue only what it may read. A membership shows it everything and leaves no entry in any
-- table's privileges. Each request then takes the role of its key or token.
grant pg_read_all_data to authenticator with admin false, inherit true, set false;

do $$
begin
  execute format('alter database %I owner to postgres', current_database());
end
$$;

grant usage, create on schema public to postgres;
grant usage on schema public to anon, authenticated, service_role;

create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;
grant usage, create on schema extensions to postgres with grant option;
-- A hosted project lets postgres create this extension itself.
create extension if not exists vector with schema extensions;

-- The API makes its tables here as supabase_auth_admin and uses them as authenticator. They must
-- not belong to authenticator: postgres may act as that role, and could then change them.
create schema if not exists auth authorization supabase_auth_admin;
grant usage on schema auth to anon, authenticated, service_role, authenticator;
grant usage on schema auth to postgres with grant option;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on tables to postgres, authenticator;
alter default privileges for role supabase_auth_admin in schema auth
  grant all on sequences to postgres, authenticator;
alter role supabase_auth_admin set search_path = auth;

create or replace function auth.uid ()
  returns uuid
  language sql
  stable
as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;

create or replace function auth.role ()
  returns text
  language sql
  stable
as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )
$$;

create or replace function auth.email ()
  returns text
  language sql
  stable
as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
  )
$$;

create or replace function auth.jwt ()
  returns jsonb
  language sql
  stable
as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

grant execute on function auth.uid (), auth.role (), auth.email (), auth.jwt ()
  to public, postgres, anon, authenticated, service_role;

do $$
declare
  v_owner text;
  v_kind text;
  v_change text;
begin
  foreach v_owner in array array['postgres', 'supabase_admin'] loop
    foreach v_kind in array array['tables', 'sequences', 'functions'] loop
      v_change := case current_setting('tidewire.auto_grants')
        when 'on' then 'grant all on %s to anon, authenticated, service_role'
        else 'revoke all on %s from anon, authenticated, service_role'
      end;
      execute format(
        'alter default privileges for role %I in schema public ' || v_change, v_owner, v_kind
      );
    end loop;
  end loop;
end
$$;

do $$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    alter publication supabase_realtime owner to postgres;
  end if;
end
$$;
