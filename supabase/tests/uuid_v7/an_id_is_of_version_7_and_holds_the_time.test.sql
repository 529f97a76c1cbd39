begin;
select plan(3);

create temporary table ids on commit drop as
  select tidewire.uuid_v7() as id from generate_series(1, 100);

select is(
  (select bool_and(substr(id::text, 15, 1) = '7' and substr(id::text, 20, 1) ~ '[89ab]') from ids),
  true, 'version and variant'
);
select is((select count(distinct id) from ids), 100::bigint, 'each is another');
select is(
  (
    select bool_and(
      abs(
        ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
          - extract(epoch from clock_timestamp()) * 1000
      ) < 60000
    )
    from ids
  ),
  true, 'its first 48 bits are milliseconds since 1970'
);

select * from finish();
rollback;
