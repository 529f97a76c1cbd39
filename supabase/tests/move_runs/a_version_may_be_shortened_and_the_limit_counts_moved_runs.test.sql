begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('leased');
select tests.given_claim();
select tests.given_run('one');
select tests.given_run('two');
select tests.given_flow('[{"slug": "write", "max_attempts": 5}]');
create temporary table versions on commit drop as
select
  (select left(flow_version, 8) from flow_runs limit 1) as old,
  (select left(current_version, 12) from tidewire.flows) as new;
update flow_runs set created_at = now() - interval '1 minute' where run_id = tests.id('leased');

select set_eq(
  $$ select answer from versions, tidewire.move_runs('answer', new, old, 1) $$,
  array['busy', 'moved'],
  'one is moved, although the first was busy'
);
select is(
  (select count(*) from versions, tidewire.move_runs('answer', new, old, 5) where answer = 'moved'),
  1::bigint,
  'the next call moves the other'
);
select is(
  tests.refusal_of(
    $$ select tidewire.move_runs('answer', (select left(new, 7) from versions)) $$
  ) ->> 'detail',
  'TW003',
  'fewer than 8 characters are no version'
);

select * from finish();
rollback;
