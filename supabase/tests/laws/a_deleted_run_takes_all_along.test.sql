begin;
select plan(3);

select tests.given_running('[{"slug": "write", "cache": {"fresh_ms": 60000, "scope": "owner"}}]');
select tests.given_completed();
delete from auth.users;
select is((select count(*) from flow_steps), 0::bigint, 'steps');
select is((select count(*) from streaming_chunks), 0::bigint, 'chunks');
select is((select count(*) from tidewire.cache), 0::bigint, 'cached outputs');

select * from finish();
rollback;
