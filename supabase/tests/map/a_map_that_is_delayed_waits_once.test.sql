begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "list"}, {"slug": "each", "deps": ["list"], "over": "list", "delay_ms": 60000}]');
select tests.given_clock('2030-01-01 12:00:00+00');
select tests.given_run();
select count(*) from tests.given_claim(p_lease => '1 h');
select count(*) from tests.given_completed('list', '[1, 2]');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 0::bigint, 'no item is ready');
select is((select detail ->> 'next_available_in_ms' from tests.given_claim() where answer = 'idle'), '60000', 'and it is known when');
select tests.given_clock('2030-01-01 12:01:00+00');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 2::bigint, 'then all are');
select is((select count(*) from flow_steps where status = 'scheduled'), 0::bigint, 'none waits again');

select * from finish();
rollback;
