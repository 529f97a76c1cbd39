begin;
select plan(5);

select tests.given_failed_diamond();
select tests.given_run('second');
select tests.given_claim();
select tests.given_failed('plan', false, 'second');
update flow_runs set finished_at = finished_at - interval '1 hour' where run_id = tests.id('run');

select is_empty($$ select * from tidewire.replay_dead_letters('other') $$, 'another flow');
select is_empty($$ select * from tidewire.replay_dead_letters(null, 'join') $$, 'another step');
select results_eq(
  $$ select origin from tidewire.replay_dead_letters('answer', null, now() - interval '1 minute') $$,
  array[tests.id('second')], 'only what failed since'
);
delete from flow_runs where origin_run_id is not null;
select results_eq(
  'select origin from tidewire.replay_dead_letters(p_limit => 1)', array[tests.id('run')],
  'the longest failed first, up to the limit'
);
select is(
  tests.refusal_of('select * from tidewire.replay_dead_letters(p_limit => 0)') - 'message',
  '{"code": "PT400", "detail": "TW001"}', 'a limit is at least 1'
);

select * from finish();
rollback;
