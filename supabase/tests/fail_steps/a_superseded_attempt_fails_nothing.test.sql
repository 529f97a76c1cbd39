begin;
select plan(3);

select tests.given_running();
create temporary table request on commit drop
  as select tests.given_append('[{"type": "text-start", "id": "w.1"}]',
  p_more => '{"error": "x", "message": "x", "retryable": false}') as items;
select tests.given_clock(statement_timestamp() + interval '1 hour');
select tidewire.rescue_expired_steps(10);
select tests.given_claim();

select results_eq(
  $$ select a.answer from request, tidewire.fail_steps(tests.id('worker'), items) a $$,
  $$ values ('lease_lost') $$,
  'lease_lost'
);
select is((select status from flow_runs), 'running', 'the run goes on');
select is(
  (select count(*) from streaming_chunks where chunk_type = 'text'),
  0::bigint,
  'its chunks are not taken'
);

select * from finish();
rollback;
