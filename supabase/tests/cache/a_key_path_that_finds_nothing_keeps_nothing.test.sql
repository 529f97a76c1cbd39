begin;
select plan(1);

select tests.given_running('[{"slug": "write", "cache": {"fresh_ms": 60000, "scope": "owner", "key": "$.input.id"}}]');
select tests.given_completed();
select is((select count(*) from tidewire.cache), 0::bigint, 'nothing');

select * from finish();
rollback;
