begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run();
create temporary table claimed on commit drop as select * from tests.given_claim(1);

select is(
  (select detail from claimed where answer = 'logged'),
  '{"first_index": 1, "broadcast": true,
    "chunks": [{"type": "data-progress", "id": "write", "data": {"step": "write",
    "status": "started", "attempt": 1}}]}',
  'for the worker to broadcast'
);
select is(
  (select count(*) from claimed where answer = 'idle'),
  0::bigint,
  'a full claim is not idle'
);

select * from finish();
rollback;
