begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "a"}, {"slug": "b", "deps": ["a"]}, {"slug": "c", "deps": ["a"]}, {"slug": "d", "deps": ["a"], "queue": "gpu"}]');
select tests.given_clock('2030-01-01 12:00:00+00');
select tests.given_run();
select count(*) from tests.given_claim(p_lease => '1 h');
select tests.given_clock('2030-01-01 12:00:01+00');
select tests.given_run('later');
savepoint before;
create function pg_temp.next () returns setof text language sql as $$
  select md5(run_id::text) || step_slug from tidewire.complete_steps(tests.id('worker'),
    tests.given_lease('a', '{"output": 1}'), '15 s', '{default}',
    array(select flow_version from tidewire.flow_versions), 1) where answer = 'claimed'
$$;
select matches((select pg_temp.next()), md5(tests.id('run')::text) || '[bc]', 'a started run goes before later ones');
select is((select count(*) from flow_steps where status = 'running'), 1::bigint, 'no more than asked for');
select is((select status from flow_steps where step_slug = 'd' and run_id = tests.id('run')), 'queued', 'another queue stays queued');
rollback to before;
create function pg_temp.next () returns setof text language sql as $$
  select md5(run_id::text) || step_slug from tidewire.complete_steps(tests.id('worker'),
    tests.given_lease('a', '{"output": 1}'), '15 s', '{default}',
    array(select flow_version from tidewire.flow_versions), 1) where answer = 'claimed'
$$;
select tests.given_run('urgent', p_priority => 5);
select is((select pg_temp.next()), md5(tests.id('urgent')::text) || 'a', 'higher priority goes before a direct lease');

select * from finish();
rollback;
