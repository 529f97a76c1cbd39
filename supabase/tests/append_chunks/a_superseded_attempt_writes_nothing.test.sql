begin;
select plan(4);

select tests.given_running();
create temporary table request on commit drop
  as select tests.given_append('[{"type": "text-start", "id": "write.1"}]') as appends;
select tests.given_clock(statement_timestamp() + interval '1 hour');
select tidewire.rescue_expired_steps(10);
select is(
  (select answer from request, tidewire.append_chunks('15 s', appends)),
  'lease_lost',
  'once rescued'
);
select tests.given_claim();
select is(
  (select answer from request, tidewire.append_chunks('15 s', appends)),
  'lease_lost',
  'once claimed by another'
);
select tests.given_completed();
select is(
  (select answer from request, tidewire.append_chunks('15 s', appends)),
  'lease_lost',
  'once completed by another'
);
select is(
  (select count(*) from streaming_chunks where chunk_type = 'text'), 0::bigint,
  'nothing of it is in the log'
);

select * from finish();
rollback;
