begin;
select plan(4);

select tests.given_running();
select tests.given_chunks(
  (select jsonb_agg(jsonb_build_object('type', 'text-delta', 'id', 'w.1', 'delta', 'word' || n
    || ' ')) from generate_series(1, 50) n)
);
select tests.given_signed_in('ada');
create temporary table pages on commit drop as
  with recursive pages as (
    select 1 as nth, public.read_log(tests.id('run'), -1, 300) as page
    union
    select nth + 1, public.read_log(tests.id('run'), (page ->> 'next_after')::bigint, 300)
    from pages
    where page ->> 'next_after' <> page ->> 'head' and nth < 100
  )
  select * from pages;

select cmp_ok((select count(*) from pages), '>', 5::bigint, 'there are several');
select is(
  (select page ->> 'next_after' from pages order by nth desc limit 1), '51',
  'the last one ends at the head'
);
select is(
  (select string_agg(e -> 'chunk' ->> 'delta', '' order by nth, ord) from pages,
    jsonb_array_elements(page -> 'entries') with ordinality x (e, ord)),
  (select string_agg('word' || n || ' ', '' order by n) from generate_series(1, 50) n),
  'each delta came once, in order'
);
select is(
  (select bool_and((e -> 'first_index')::bigint = coalesce(p, -1) + 1) from (
    select e, lag((e -> 'index')::bigint) over (order by nth, ord) as p from pages,
    jsonb_array_elements(page -> 'entries') with ordinality x (e, ord)
  ) s),
  true, 'indexes join without a gap'
);

select * from finish();
rollback;
