-- Who may do what. Everything is revoked first: projects differ in what they grant by default.

revoke all on public.flow_runs, public.flow_steps, public.streaming_chunks, public.flow_threads,
  public.flow_messages
  from public, anon, authenticated, service_role;
revoke all on sequence public.flow_messages_position_seq
  from public, anon, authenticated, service_role;
revoke all on all tables in schema tidewire from public, anon, authenticated, service_role;
revoke all on all functions in schema tidewire from public, anon, authenticated, service_role;
revoke all on function
  public.start_run(text, jsonb, uuid, text, text, timestamptz),
  public.send_message(text, jsonb, text, text),
  public.cancel_run(uuid),
  public.retry_run(uuid, text, text),
  public.regenerate(uuid, jsonb, text),
  public.read_log(uuid, bigint, integer)
  from public, anon, authenticated, service_role;

-- Owners, through RLS. Outputs, checkpoints, leases and raw errors of steps stay with the service.
grant select on public.flow_runs, public.streaming_chunks, public.flow_threads, public.flow_messages
  to authenticated;
grant select (
  run_id, step_slug, item_index, status, attempt, max_attempts, created_at, ready_at, available_at,
  started_at, finished_at
) on public.flow_steps to authenticated;
grant execute on function
  public.start_run(text, jsonb, uuid, text, text, timestamptz),
  public.send_message(text, jsonb, text, text),
  public.cancel_run(uuid),
  public.retry_run(uuid, text, text),
  public.regenerate(uuid, jsonb, text),
  public.read_log(uuid, bigint, integer)
  to authenticated;

-- Trusted code reads everything and writes through the worker's functions.
grant select on public.flow_runs, public.flow_steps, public.streaming_chunks, public.flow_threads,
  public.flow_messages
  to service_role, tidewire_worker;
grant select on tidewire.flows, tidewire.flow_versions, tidewire.step_definitions,
  tidewire.step_dependencies, tidewire.workers, tidewire.limits, tidewire.stranded_runs,
  tidewire.dead_letters
  to service_role, tidewire_worker;
grant update (payload_bytes, map_output_bytes, map_items) on tidewire.limits to service_role;
grant execute on function
  tidewire.register_worker(uuid, jsonb),
  tidewire.register_flow(uuid, jsonb),
  tidewire.set_idle(uuid, boolean),
  tidewire.stop_worker(uuid),
  tidewire.claim_steps(uuid, text[], text[], interval, integer),
  tidewire.extend_leases(uuid, interval, jsonb),
  tidewire.release_steps(uuid, jsonb),
  tidewire.sleep_steps(uuid, jsonb),
  tidewire.append_chunks(interval, jsonb),
  tidewire.save_checkpoint(interval, jsonb),
  tidewire.read_step_text(uuid, text, integer, bigint),
  tidewire.complete_steps(uuid, jsonb, interval, text[], text[], integer),
  tidewire.fail_steps(uuid, jsonb),
  tidewire.rescue_expired_steps(integer),
  tidewire.thread_messages(uuid),
  tidewire.fold_messages(uuid[], integer),
  tidewire.maintain(integer),
  tidewire.is_served(text),
  tidewire.move_runs(text, text, text, integer),
  tidewire.start_run_for(uuid, text, jsonb, uuid, text, text, integer, timestamptz),
  tidewire.retry_run_for(uuid, text, text),
  tidewire.regenerate_for(uuid, jsonb, text),
  tidewire.replay_dead_letters(text, text, timestamptz, integer)
  to tidewire_worker, service_role;

alter table public.flow_runs enable row level security;
alter table public.flow_steps enable row level security;
alter table public.streaming_chunks enable row level security;
alter table public.flow_threads enable row level security;
alter table public.flow_messages enable row level security;

create policy "Owners read their own runs"
on public.flow_runs
for select
to authenticated
using (user_id = (select auth.uid()));

-- offset 0 keeps the planner from reading all runs of the owner to answer about those of one.
create policy "Owners read the steps of their own runs"
on public.flow_steps
for select
to authenticated
using (
  exists (
    select
    from public.flow_runs r
    where r.run_id = flow_steps.run_id and r.user_id = (select auth.uid())
    offset 0
  )
);

create policy "Owners read the logs of their own runs"
on public.streaming_chunks
for select
to authenticated
using (
  exists (
    select
    from public.flow_runs r
    where r.run_id = streaming_chunks.run_id and r.user_id = (select auth.uid())
    offset 0
  )
);

create policy "Owners read their own threads"
on public.flow_threads
for select
to authenticated
using (user_id = (select auth.uid()));

create policy "Owners read their own messages"
on public.flow_messages
for select
to authenticated
using (user_id = (select auth.uid()));

-- The worker's role reads every row; service_role does so by its own attribute.
create policy "Workers read all runs" on public.flow_runs for select to tidewire_worker using (true);
create policy "Workers read all steps" on public.flow_steps for select to tidewire_worker using (true);
create policy "Workers read all logs" on public.streaming_chunks
for select to tidewire_worker using (true);
create policy "Workers read all threads" on public.flow_threads
for select to tidewire_worker using (true);
create policy "Workers read all messages" on public.flow_messages
for select to tidewire_worker using (true);
create policy "Workers read all flows" on tidewire.flows for select to tidewire_worker using (true);
create policy "Workers read all versions" on tidewire.flow_versions
for select to tidewire_worker using (true);
create policy "Workers read all step definitions" on tidewire.step_definitions
for select to tidewire_worker using (true);
create policy "Workers read all step dependencies" on tidewire.step_dependencies
for select to tidewire_worker using (true);
create policy "Workers read all workers" on tidewire.workers
for select to tidewire_worker using (true);
