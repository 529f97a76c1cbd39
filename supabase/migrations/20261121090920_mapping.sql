-- How maps end: their items are counted as they are settled, and the last one settles the map.

-- A map some of whose items were just settled.
--   fate    counted: some are left; complete; fail; skip; skip_dependents
--   reason  why it fails or is skipped; safe to show
--   due     its counts have not been in the log for a while
create type tidewire.counted_map as (
  run_id uuid,
  step_slug text,
  flow_version text,
  line_at timestamptz,
  total integer,
  failed integer,
  remaining integer,
  publishes boolean,
  cached boolean,
  fate text,
  reason text,
  output jsonb,
  due boolean
);

-- Counts settled items on their maps, and settles the maps that have none left or in which more
-- failed than are tolerated.
--
-- A map: waiting -> completed, failed or skipped. The caller holds the maps' rows, and the runs' as
-- well where a map is settled. Counts go to the log at most once a second, and only when the run
-- happens to be free.
create function tidewire.settle_items (
  p_items tidewire.finished_step[]
)
  returns tidewire.consequences
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_maps tidewire.counted_map[];
  v_due uuid[];
begin
  if pg_catalog.cardinality(p_items) = 0 then
    return ('{}', '{}', '{}')::tidewire.consequences;
  end if;
  v_maps := tidewire.count_items(p_items);
  perform tidewire.close_maps(v_maps);
  v_due := tidewire.lock_runs(
    array(select distinct m.run_id from pg_catalog.unnest(v_maps) m where m.due)
  );
  return (
    array(
      select (null, m.run_id, m.step_slug, m.flow_version, m.fate = 'skip_dependents', m.line_at)
        ::tidewire.settled_step
      from pg_catalog.unnest(v_maps) m
      where m.fate in ('complete', 'skip', 'skip_dependents')
    ),
    tidewire.map_drafts(v_maps, v_due),
    array(
      select distinct on (m.run_id) (m.run_id, false, 0, 'failed', m.reason, null)::tidewire.run_change
      from pg_catalog.unnest(v_maps) m
      where m.fate = 'fail'
      order by m.run_id
    )
  )::tidewire.consequences;
end
$$;

-- Works out what settled items mean for their maps. Changes nothing.
create function tidewire.count_items (
  p_items tidewire.finished_step[]
)
  returns tidewire.counted_map[]
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_most_bytes integer := (select l.map_output_bytes from tidewire.limits l);
  v_due_before timestamptz := tidewire.clock() - interval '1 second';
  v_maps tidewire.counted_map[];
begin
  with counted as (
    select
      i.run_id, i.step_slug, pg_catalog.count(*)::integer as settled,
      (pg_catalog.count(*) filter (where i.failed))::integer as failed
    from pg_catalog.unnest(p_items) i
    group by i.run_id, i.step_slug
  ), maps as (
    select
      s.run_id, s.step_slug, s.flow_version, s.available_at, s.total_items,
      s.failed_items + c.failed as failed, s.remaining_items - c.settled as remaining,
      d.publishes, d.cache_fresh is not null as cached, d.on_exhausted,
      -- What a share of a count comes to must not hang on the last bit of a double.
      pg_catalog.floor(d.tolerance * s.total_items + 1e-9) as tolerated,
      coalesce(s.counted_at, s.started_at) < v_due_before as due
    from counted c
    join public.flow_steps s
      on s.run_id = c.run_id and s.step_slug = c.step_slug and s.item_index = -1
    join tidewire.step_definitions d
      on d.flow_version = s.flow_version and d.step_slug = s.step_slug
    where s.status = 'waiting'
  ), measured as (
    -- Before they are put together: Postgres makes no list of more than 256 MiB.
    select m.*, b.bytes, b.bytes > v_most_bytes as oversized
    from maps m
    cross join lateral (
      select pg_catalog.sum(pg_catalog.octet_length(coalesce(i.output, 'null')::text) + 2) as bytes
      from public.flow_steps i
      where m.remaining = 0 and m.failed <= m.tolerated
        and i.run_id = m.run_id and i.step_slug = m.step_slug and i.item_index >= 0
    ) b
  ), collected as (
    select m.*, o.output
    from measured m
    cross join lateral (
      select pg_catalog.jsonb_agg(coalesce(i.output, 'null') order by i.item_index) as output
      from public.flow_steps i
      where not m.oversized
        and i.run_id = m.run_id and i.step_slug = m.step_slug and i.item_index >= 0
    ) o
  )
  select pg_catalog.array_agg(
    (
      c.run_id, c.step_slug, c.flow_version, c.available_at, c.total_items, c.failed, c.remaining,
      c.publishes, c.cached,
      case
        when c.failed > c.tolerated then c.on_exhausted
        when c.remaining > 0 then 'counted'
        when c.oversized then 'fail'
        else 'complete'
      end,
      case
        when c.failed > c.tolerated then pg_catalog.format(
          '%s of %s items of step %s failed', c.failed, c.total_items, c.step_slug)
        when c.oversized then pg_catalog.format(
          'output of step %s must be at most %s bytes, got %s',
          c.step_slug, v_most_bytes, c.bytes)
      end,
      c.output,
      c.due and c.remaining > 0 and c.failed <= c.tolerated
    )::tidewire.counted_map
  )
  into v_maps
  from collected c;
  return coalesce(v_maps, '{}');
end
$$;

-- Writes the counts on the rows of maps. What is left of a map that failed is cancelled.
create function tidewire.close_maps (
  p_maps tidewire.counted_map[]
)
  returns void
  language plpgsql
  volatile
  set search_path = ''
as $$
declare
  v_now timestamptz := tidewire.clock();
begin
  update public.flow_steps s
  set remaining_items = m.remaining,
      failed_items = m.failed,
      status = case m.fate
        when 'counted' then 'waiting'
        when 'complete' then 'completed'
        when 'fail' then 'failed'
        else 'skipped'
      end,
      output = m.output,
      error = m.reason,
      counted_at = case when m.due then v_now else s.counted_at end,
      finished_at = case when m.fate <> 'counted' then v_now end
  from pg_catalog.unnest(p_maps) m
  where s.run_id = m.run_id and s.step_slug = m.step_slug and s.item_index = -1;
  if exists (select from pg_catalog.unnest(p_maps) m where m.fate not in ('counted', 'complete')) then
    update public.flow_steps s
    set status = 'cancelled', lease_expires_at = null, attempt_deadline_at = null,
        worker_id = null, finished_at = v_now
    from pg_catalog.unnest(p_maps) m
    where m.fate not in ('counted', 'complete')
      and s.run_id = m.run_id and s.step_slug = m.step_slug and s.item_index >= 0
      and s.status in ('scheduled', 'queued', 'running');
  end if;
  perform tidewire.store_outputs(
    array(
      select (m.run_id, m.step_slug, -1)::tidewire.step_key
      from pg_catalog.unnest(p_maps) m
      where m.cached and m.fate = 'complete'
    )
  );
end
$$;

-- What the log says of maps: how many items are settled, and how it ended.
create function tidewire.map_drafts (
  p_maps tidewire.counted_map[],
  p_due uuid[]
)
  returns tidewire.log_draft[]
  language sql
  stable
  set search_path = ''
as $$
  select array(
    select (m.run_id, m.step_slug, 0, e.chunk)::tidewire.log_draft
    from pg_catalog.unnest(p_maps) m
    cross join lateral (
      select
        1 as rank,
        tidewire.progress_chunk(
          m.step_slug,
          case m.fate
            when 'counted' then 'started'
            when 'complete' then 'completed'
            when 'fail' then 'failed'
            else 'skipped'
          end,
          0, m.reason, tidewire.item_counts(m.total, m.total - m.remaining - m.failed, m.failed)
        ) as chunk
      union all
      select 2, tidewire.published_chunk(m.step_slug, m.output)
      where m.fate = 'complete' and m.publishes
    ) e
    where m.fate <> 'counted' or (m.due and m.run_id = any (p_due))
    order by m.run_id, m.step_slug, e.rank
  )
$$;
