-- The knowledge base of the demo. Readable by the service alone: users see what a flow publishes.

create table if not exists public.passages (
  passage_id integer primary key,
  topic text not null,
  title text not null,
  content text not null,
  url text,
  search tsvector not null generated always as (
    pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.english', title), 'A')
    || pg_catalog.setweight(pg_catalog.to_tsvector('pg_catalog.english', content), 'B')
  ) stored,
  constraint content_is_not_empty check (content <> '')
);

create index if not exists passages_by_search on public.passages using gin (search);

alter table public.passages enable row level security;
revoke all on table public.passages from public, anon, authenticated, service_role;
grant select on table public.passages to service_role;

-- The passages that match a web-style query (words, "phrases", or, -not), best first. A query
-- that nothing matches is asked again with its words as alternatives.
--
-- Returns [{passage_id, topic, title, content, url, rank}], at most quantity of them and never
-- more than 100; [] for a query without any word that is searched for. One value instead of rows,
-- because the API would cut rows at the project's limit without a word.
create or replace function public.search_passages (
  query text,
  quantity integer default 10
)
  returns jsonb
  language plpgsql
  stable
  set search_path = ''
as $$
declare
  v_query tsquery := pg_catalog.websearch_to_tsquery('pg_catalog.english', query);
begin
  if not exists (select from public.passages p where p.search @@ v_query) then
    v_query := pg_catalog.replace(
      pg_catalog.plainto_tsquery('pg_catalog.english', query)::text, '&', '|'
    )::tsquery;
  end if;
  return (
    with best as (
      -- 1: a long passage does not win by its length.
      select
        p.passage_id, p.topic, p.title, p.content, p.url,
        pg_catalog.ts_rank_cd(p.search, v_query, 1) as rank
      from public.passages p
      where p.search @@ v_query
      order by rank desc, p.passage_id
      limit least(greatest(quantity, 0), 100)
    )
    select coalesce(
      pg_catalog.jsonb_agg(pg_catalog.to_jsonb(b) order by b.rank desc, b.passage_id), '[]'
    )
    from best b
  );
end
$$;

revoke all on function public.search_passages (text, integer)
  from public, anon, authenticated, service_role;
grant execute on function public.search_passages (text, integer) to service_role;
