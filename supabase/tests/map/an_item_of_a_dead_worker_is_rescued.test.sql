begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input"}]');
select tests.given_run(p_input => '[1, 2]');
select count(*) from tests.given_claim();
select tests.given_clock(statement_timestamp() + interval '1 hour');
select is((select count(*) from tidewire.rescue_expired_steps(10) where answer = 'retrying'), 2::bigint, 'both are retried');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 2::bigint, 'claimed again');
select is((select array_agg(attempt) from flow_steps where item_index >= 0), '{2,2}', 'as the second attempt');

select * from finish();
rollback;
