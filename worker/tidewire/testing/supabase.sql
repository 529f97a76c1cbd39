-- What the migrations need of a Supabase project, as far as tests of flows go: the API's roles and
-- schema auth. The real schema auth belongs to the Auth server, which no such test starts.
--
-- Run once, in a new and empty database, by its owner. Roles belong to the whole server, so those
-- that it has already are left as they are.

do $$
declare
  v_role text;
  v_attributes text;
  -- From Postgres 16 on, a member may be one without the right to SET ROLE.
  v_may_set text := case
    when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member'
  end;
begin
  for v_role, v_attributes in values
    ('anon', 'nologin noinherit'),
    ('authenticated', 'nologin noinherit'),
    ('service_role', 'nologin noinherit bypassrls')
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      execute format('create role %I %s', v_role, v_attributes);
    end if;
    -- Whoever runs the tests looks at the tables as these roles do.
    if not pg_has_role(current_user, v_role, v_may_set) then
      execute format('grant %I to %I', v_role, current_user);
    end if;
  end loop;
end
$$;

create schema auth;
grant usage on schema auth to anon, authenticated, service_role;

create table auth.users (
  id uuid primary key default gen_random_uuid(),
  email text unique,
  raw_app_meta_data jsonb not null default '{}',
  raw_user_meta_data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create function auth.jwt ()
  returns jsonb
  language sql
  stable
  set search_path = ''
as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;

create function auth.uid ()
  returns uuid
  language sql
  stable
  set search_path = ''
as $$
  select (auth.jwt() ->> 'sub')::uuid
$$;

create function auth.role ()
  returns text
  language sql
  stable
  set search_path = ''
as $$
  select auth.jwt() ->> 'role'
$$;

create function auth.email ()
  returns text
  language sql
  stable
  set search_path = ''
as $$
  select auth.jwt() ->> 'email'
$$;
