begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]', 'chat');
select tests.given_flow('[{"slug": "each", "over": "input"}, {"slug": "b", "delay_ms": 60000}]');
select tests.given_run('first', 'chat', p_thread => 't');
select tidewire.create_run(tests.id('ada'), 'answer', '[1]', tests.id('run'), 't', null, 0, true);
select is((select array_agg(distinct status) from flow_steps where run_id = tests.id('run')), '{waiting}', 'waits');
select count(*) from tests.given_claim();
select tests.given_completed('write', '1', 'first');
select is((select status from flow_steps where step_slug = 'b'), 'scheduled', 'its delay begins with its turn');
select is((select status from flow_steps where item_index = 0), 'queued', 'its map is expanded');

select * from finish();
rollback;
