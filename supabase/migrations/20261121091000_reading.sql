-- How clients read a log.

-- Entries of a run's log after a cursor, with adjacent deltas of one part merged into one entry.
--
-- after: the last index the caller has handled, -1 for none. max_bytes bounds the answer by whole
-- rows; at least one row comes when any is left. Returns {entries: [{index, first_index, chunk}],
-- next_after, head, status, waiting_for, lease_live, purged}: call again with next_after until it
-- equals head. waiting_for is [thread] for a held run, [worker] for one that no live worker can go
-- on with, else the steps that wait; lease_live says that a worker holds one; purged that the log is
-- gone and the folded message remains.
-- Raises PT401 TW007, PT404 TW003, and PT400 TW001 for an after below -1.
create function public.read_log (
  run_id uuid,
  after bigint default -1,
  max_bytes integer default 1048576
)
  returns jsonb
  language plpgsql
  stable
  security definer -- one ownership check instead of a policy on every row
  set search_path = ''
  set enable_seqscan = off
  set enable_bitmapscan = off
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_owner uuid := tidewire.signed_in_user();
  v_after bigint := coalesce(read_log.after, -1);
  v_run public.flow_runs;
  v_page jsonb;
begin
  perform tidewire.keep_plans_fresh();
  if v_after < -1 then
    perform tidewire.refuse(
      400, 'TW001', pg_catalog.format('after must be at least -1, got %s', v_after),
      'Send the last index that was handled, or -1.'
    );
  end if;
  select r.* into v_run
  from public.flow_runs r
  where r.run_id = read_log.run_id and r.user_id = v_owner;
  if not found then
    perform tidewire.refuse_unknown_run(read_log.run_id);
  end if;

  v_page := tidewire.log_page(
    v_run.run_id, least(v_after, v_run.next_index), coalesce(read_log.max_bytes, 1048576)
  );
  return pg_catalog.jsonb_build_object(
    'entries', v_page -> 'entries',
    -- Without rows left, the caller is at the head: also where the log was purged, and where the
    -- cursor was beyond it.
    'next_after', coalesce((v_page ->> 'next_after')::bigint, v_run.next_index - 1),
    'head', v_run.next_index - 1,
    'status', v_run.status,
    'waiting_for', tidewire.waiting_for(v_run),
    'lease_live', exists (
      select
      from public.flow_steps s
      where s.run_id = v_run.run_id
        and s.status = 'running'
        and s.lease_expires_at > tidewire.clock()
    ),
    'purged', v_run.purged_at is not null
  );
end
$$;

-- What an active run waits for: thread, its turn; worker, when none that lives has its version and
-- a step is ready; else the steps that wait for their time or for something outside.
create function tidewire.waiting_for (
  p_run public.flow_runs
)
  returns jsonb
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  if (p_run).finished_at is not null then
    return '[]';
  elsif (p_run).held then
    return '["thread"]';
  elsif not tidewire.is_served((p_run).flow_version)
    and exists (
      select from public.flow_steps s where s.run_id = (p_run).run_id and s.status = 'queued'
    )
    and not exists (
      select
      from public.flow_steps s
      where s.run_id = (p_run).run_id and s.lease_expires_at is not null
    )
  then
    return '["worker"]';
  end if;
  return coalesce(
    (
      select pg_catalog.jsonb_agg(distinct s.step_slug)
      from public.flow_steps s
      where s.run_id = (p_run).run_id
        and (s.status = 'scheduled' or (s.status = 'waiting' and s.remaining_deps = 0))
    ),
    '[]'
  );
end
$$;

-- One page of a log: {entries, next_after}; next_after is absent when nothing came.
--
-- A compacted row that the cursor lies in gives the deltas after it, by delta_ends, which are
-- cumulative ends in Unicode code points.
create function tidewire.log_page (
  p_run_id uuid,
  p_after bigint,
  p_max_bytes integer
)
  returns jsonb
  language plpgsql
  stable
  set search_path = ''
as $$
begin
  return (
    with rows as (
      select
        c.chunk_index, c.first_index, c.delta_ends, c.chunk_data,
        case
          when c.chunk_data ? 'delta' and c.chunk_type in ('text', 'reasoning')
            then c.chunk_data ->> 'type' || ' ' || (c.chunk_data ->> 'id')
        end as part,
        pg_catalog.sum(pg_catalog.octet_length(c.chunk_data::text))
          over (order by c.chunk_index) - pg_catalog.octet_length(c.chunk_data::text) as before
      from public.streaming_chunks c
      where c.run_id = p_run_id and c.chunk_index > p_after
      order by c.chunk_index
      -- No row is shorter than 20 bytes: what cannot be in the page is not read.
      limit least(20000, greatest(p_max_bytes, 1) / 20 + 1)
    ), page as (
      select
        r.chunk_index,
        greatest(r.first_index, p_after + 1) as first_index,
        r.chunk_data,
        r.part,
        case
          when r.first_index <= p_after then pg_catalog.substr(
            r.chunk_data ->> 'delta', r.delta_ends[p_after - r.first_index + 1] + 1
          )
          else r.chunk_data ->> 'delta'
        end as delta,
        r.part is distinct from pg_catalog.lag(r.part) over (order by r.chunk_index)
          or r.part is null as begins
      from rows r
      where r.before < greatest(p_max_bytes, 1)
    ), grouped as (
      select p.*, pg_catalog.count(*) filter (where p.begins) over (order by p.chunk_index) as nth
      from page p
    ), merged as (
      select
        g.nth,
        pg_catalog.max(g.chunk_index) as index,
        pg_catalog.min(g.first_index) as first_index,
        (pg_catalog.array_agg(g.chunk_data order by g.chunk_index))[1]
          || case
            when pg_catalog.max(g.part) is not null then pg_catalog.jsonb_build_object(
              'delta', pg_catalog.string_agg(g.delta, '' order by g.chunk_index)
            )
            else '{}'
          end as chunk
      from grouped g
      group by g.nth
    )
    select pg_catalog.jsonb_strip_nulls(
        pg_catalog.jsonb_build_object('next_after', pg_catalog.max(m.index))
      )
      || pg_catalog.jsonb_build_object(
        'entries',
        coalesce(
          pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
              'index', m.index, 'first_index', m.first_index, 'chunk', m.chunk
            )
            order by m.nth
          ),
          '[]'
        )
      )
    from merged m
  );
end
$$;
