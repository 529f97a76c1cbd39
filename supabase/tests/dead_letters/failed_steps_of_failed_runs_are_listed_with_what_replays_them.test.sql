begin;
select plan(3);

select tests.given_running('[{"slug": "write"}, {"slug": "draw"}]');
set local role service_role;
select is_empty('select * from tidewire.dead_letters', 'nothing has failed');
reset role;
select tests.given_failed('write', false);
set local role service_role;
select results_eq(
  $$ select run_id, flow_slug, step_slug, item_index, attempt, error, user_id, replayed_by
    from tidewire.dead_letters $$,
  $$ values (tests.id('run'), 'answer', 'write', -1, 1, 'Traceback: secret', tests.id('ada'),
    null::uuid) $$,
  'the failed step, and not the one that was cancelled with its run'
);
reset role;
select tests.given_run('first');
select tests.given_run('again');
update flow_runs
set origin_run_id = tests.id('run'),
    created_at = now() + case when run_id = tests.id('again') then interval '1 s' else '0' end
where run_id <> tests.id('run');
select is(
  (select replayed_by from tidewire.dead_letters), tests.id('again'), 'the newest run of its kind'
);

select * from finish();
rollback;
