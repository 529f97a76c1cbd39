begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "queue": "gpu", "priority": 2}]');
select tests.given_clock('2030-01-01 12:00:00+00');
select tests.given_run('late', p_input => '[1]');
select tests.given_run('first', p_input => '[1]', p_priority => 1);
select is((select count(*) from tests.given_claim(p_queues => '{default}') where answer = 'claimed'), 0::bigint, 'of their queue alone');
select is((select run_id from tests.given_claim(1, p_queues => '{gpu}') where answer = 'claimed'), tests.id('first'), 'by their priority');
select is((select priority from flow_steps where run_id = tests.id('first') and item_index = 0), 3, 'which is the step''s and the run''s');

select * from finish();
rollback;
