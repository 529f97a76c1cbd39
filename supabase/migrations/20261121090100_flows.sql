-- Flow definitions, immutable and one row a version; the limits of what is stored; kept outputs.

create table tidewire.flows (
  flow_slug text primary key,
  current_version text not null,
  created_at timestamptz not null default pg_catalog.now(),
  constraint flow_slug_is_a_slug check (flow_slug ~ '^[a-z][a-z0-9_]{0,62}$')
);

create table tidewire.flow_versions (
  flow_version text primary key,
  flow_slug text not null,
  label text not null,
  access text not null,
  run_timeout interval not null,
  step_count integer not null,
  definition jsonb not null,
  created_at timestamptz not null default pg_catalog.now(),
  constraint access_is_known check (access in ('service', 'authenticated')),
  constraint run_timeout_is_positive check (run_timeout > interval '0')
);

create index flow_versions_by_flow on tidewire.flow_versions (flow_slug, created_at);

create table tidewire.step_definitions (
  flow_version text not null references tidewire.flow_versions on delete cascade,
  step_slug text not null,
  ordinal integer not null,
  queue text not null,
  priority integer not null,
  dep_count integer not null,
  is_leaf boolean not null,
  max_attempts integer not null,
  attempt_timeout interval not null,
  backoff_base interval not null,
  backoff_cap interval not null,
  streams boolean not null,
  publishes boolean not null,
  on_retry text not null,
  takes_input boolean not null,
  map_over text,
  tolerance double precision not null,
  condition jsonpath,
  otherwise text not null,
  on_exhausted text not null,
  delay interval not null,
  cache_fresh interval,
  cache_scope text,
  cache_key jsonpath,
  -- Whether more is to be done than to queue it when it becomes ready.
  decided boolean not null generated always as (
    map_over is not null or condition is not null or delay > interval '0' or cache_fresh is not null
  ) stored,
  primary key (flow_version, step_slug),
  constraint step_slug_is_a_slug check (step_slug ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint at_least_one_attempt check (max_attempts between 1 and 1000),
  constraint attempt_timeout_is_positive check (attempt_timeout > interval '0'),
  constraint backoff_is_not_negative check (backoff_base >= interval '0' and backoff_cap >= backoff_base),
  constraint on_retry_is_known check (on_retry in ('continue', 'restart')),
  constraint tolerance_is_a_share check (tolerance between 0 and 1),
  constraint otherwise_is_known check (otherwise in ('skip', 'skip_dependents', 'fail')),
  constraint on_exhausted_is_known check (on_exhausted in ('skip', 'skip_dependents', 'fail')),
  constraint delay_is_not_negative check (delay >= interval '0'),
  constraint cache_scope_is_known check (cache_scope in ('owner', 'shared')),
  constraint cache_has_a_scope check ((cache_fresh is null) = (cache_scope is null))
);

-- taken: the step is given the output. decided: of the step itself, copied here because every
-- completion asks for it.
create table tidewire.step_dependencies (
  flow_version text not null,
  step_slug text not null,
  depends_on text not null,
  taken boolean not null,
  decided boolean not null,
  primary key (flow_version, step_slug, depends_on),
  foreign key (flow_version, step_slug) references tidewire.step_definitions on delete cascade,
  foreign key (flow_version, depends_on) references tidewire.step_definitions on delete cascade
);

create index step_dependencies_by_source
  on tidewire.step_dependencies (flow_version, depends_on);

-- What the database takes at most. One row; change it by update.
--   payload_bytes     input of a run, output and checkpoint of a step
--   map_output_bytes  the list that a map's items add up to
--   map_items         elements of the list that a map runs over
create table tidewire.limits (
  singleton boolean primary key default true,
  payload_bytes integer not null default 1048576,
  map_output_bytes integer not null default 16777216,
  map_items integer not null default 100000,
  constraint there_is_one_row check (singleton),
  constraint limits_can_be_stored check (
    payload_bytes between 1024 and 67108864
    and map_output_bytes between 1024 and 134217728
    and map_items between 1 and 1000000
  )
);

insert into tidewire.limits default values;

-- Outputs to be used again instead of being worked out. owner is what an entry is kept behind: a
-- user's id, service, or shared. An entry goes with the run that made it, and so with its user.
create table tidewire.cache (
  flow_version text not null,
  step_slug text not null,
  owner text not null,
  key bytea not null,
  output jsonb not null,
  run_id uuid not null,
  stored_at timestamptz not null,
  fresh_until timestamptz not null,
  primary key (flow_version, step_slug, owner, key)
);

create index cache_by_run on tidewire.cache (run_id);
create index cache_by_freshness on tidewire.cache (fresh_until);

alter table tidewire.limits enable row level security;
alter table tidewire.cache enable row level security;
alter table tidewire.flows enable row level security;
alter table tidewire.flow_versions enable row level security;
alter table tidewire.step_definitions enable row level security;
alter table tidewire.step_dependencies enable row level security;
