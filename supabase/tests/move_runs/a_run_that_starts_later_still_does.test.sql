begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tidewire.start_run_for(
  tests.id('ada'), 'answer', '{}', tests.id('run'), p_start_at => now() + interval '1 hour'
);
select tests.given_flow('[{"slug": "write"}, {"slug": "draw"}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select results_eq(
  'select step_slug, status, available_at from flow_steps order by 1',
  $$ values ('draw', 'scheduled', now() + interval '1 hour'),
    ('write', 'scheduled', now() + interval '1 hour') $$,
  'steps of both versions are scheduled'
);
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 0::bigint, 'nothing is claimed');

select * from finish();
rollback;
