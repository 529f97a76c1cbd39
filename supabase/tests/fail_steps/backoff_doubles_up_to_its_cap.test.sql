begin;
select plan(3);

select results_eq(
  $$ select n, bool_and(d >= interval '0'
    and d <= least(interval '60 s', interval '1 s' * power(2, n - 1))),
    max(d) > least(interval '60 s', interval '1 s' * power(2, n - 1)) / 2
    from generate_series(1, 9) n,
    lateral (select tidewire.backoff_delay(n, '1 s', '60 s') as d from generate_series(1, 200)) s
      group by n order by n $$,
  $$ select n, true, true from generate_series(1, 9) n $$, 'with full jitter'
);
select cmp_ok(
  tidewire.backoff_delay(1000, '1 s', '60 s'),
  '<=',
  interval '60 s',
  'very large attempts do not overflow'
);
select is(tidewire.backoff_delay(1, '0', '0'), interval '0', 'none is none');

select * from finish();
rollback;
