begin;
select plan(3);

select tests.given_running(
  '[{"slug": "a", "max_attempts": 1}, {"slug": "b", "max_attempts": 1}, {"slug": "c"}]'
);
select tests.given_clock(statement_timestamp() + interval '1 minute');
create temporary table rescued on commit drop as select * from tidewire.rescue_expired_steps(10);

select results_eq(
  $$ select step_slug, answer from rescued where answer <> 'logged' order by 1 $$,
  $$ values ('a', 'failed'), ('b', 'failed'), ('c', 'retrying') $$, 'each judged by itself'
);
select is(
  (select count(*) from streaming_chunks where chunk_data ->> 'type' = 'error'),
  1::bigint,
  'the run ends once'
);
select results_eq(
  $$ select status from flow_steps order by step_slug $$,
  $$ values ('failed'), ('failed'), ('cancelled') $$,
  'nothing runs on'
);

select * from finish();
rollback;
