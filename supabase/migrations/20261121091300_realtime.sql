-- Who may join a run's or a thread's channel. Nothing but policies touches schema realtime.

-- Whether a Tidewire topic is the signed-in user's own. False for anything malformed; never
-- raises, since an error would refuse the join with a misleading reason.
--
-- tidewire:run:<run_id>, tidewire:thread:<user_id>:<thread_id>: thread ids are unique only within
-- a user, so the topic carries both.
create function tidewire.owns_topic (
  p_topic text
)
  returns boolean
  language plpgsql
  stable
  security definer -- called from policies as the joining user, who has no right on the schema
  set search_path = ''
as $$
declare
  v_user_id uuid;
begin
  v_user_id := auth.uid();
  if v_user_id is null or p_topic is null then
    return false;
  end if;
  if p_topic ~ '^tidewire:run:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    return exists (
      select
      from public.flow_runs r
      where r.run_id = pg_catalog.split_part(p_topic, ':', 3)::uuid and r.user_id = v_user_id
    );
  end if;
  return p_topic ~ '^tidewire:thread:[0-9a-f-]{36}:[A-Za-z0-9_-]{1,64}$'
    and pg_catalog.split_part(p_topic, ':', 3) = v_user_id::text;
exception
  when others then
    return false;
end
$$;

-- Policies are evaluated as the joining user, so that user must be able to call the function.
revoke all on function tidewire.owns_topic(text) from public;
grant usage on schema tidewire to authenticated, anon;
grant execute on function tidewire.owns_topic(text) to authenticated, anon;

do $$
begin
  if pg_catalog.to_regclass('realtime.messages') is null then
    raise notice 'tidewire: schema realtime does not exist, so no channel can be joined';
    return;
  end if;

  execute $policy$
    create policy "Owners receive broadcasts of their own runs and threads"
    on realtime.messages
    for select
    to authenticated
    using (extension = 'broadcast' and tidewire.owns_topic(realtime.topic()))
  $policy$;
  -- Restrictive: a permissive policy of the app, however wide, must not open Tidewire's channels.
  execute $policy$
    create policy "Nobody but owners receives on Tidewire channels"
    on realtime.messages
    as restrictive
    for select
    to authenticated, anon
    using (
      coalesce(realtime.topic(), '') not like 'tidewire:%'
      or (extension = 'broadcast' and tidewire.owns_topic(realtime.topic()))
    )
  $policy$;
  execute $policy$
    create policy "Nobody sends on Tidewire channels"
    on realtime.messages
    as restrictive
    for insert
    to authenticated, anon
    with check (coalesce(realtime.topic(), '') not like 'tidewire:%')
  $policy$;
end
$$;
