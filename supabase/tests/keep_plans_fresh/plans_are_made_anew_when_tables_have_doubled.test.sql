begin;
select plan(3);

select tests.given_running();
create function pg_temp.planned () returns integer language sql as $$
  select current_setting('tidewire.planned_pages')::integer
$$;
select tidewire.keep_plans_fresh();
create temporary table before on commit drop as select pg_temp.planned() as pages;
select tidewire.keep_plans_fresh();
select is(pg_temp.planned(), (select pages from before), 'tables that have not grown are planned for');
insert into streaming_chunks (run_id, chunk_index, first_index, chunk_data)
select tests.id('other'), i, i, jsonb_build_object('type', 'text-delta', 'delta', repeat('x', 200))
from generate_series(0, 2000) i;
select tidewire.keep_plans_fresh();
select cmp_ok(pg_temp.planned(), '>', (select 2 * pages + 8 from before), 'tables that have doubled are planned for anew');
select set_config('tidewire.planned_pages', '1000000', false);
select tidewire.keep_plans_fresh();
select cmp_ok(pg_temp.planned(), '<', 1000000, 'and so are tables that have shrunk');

select * from finish();
rollback;
