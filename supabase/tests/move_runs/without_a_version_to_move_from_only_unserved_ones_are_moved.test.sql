begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('served');
select tests.given_flow('[{"slug": "write", "max_attempts": 5}]');
select is_empty($$ select tidewire.move_runs('answer') $$, 'a live worker serves the old version');

update tidewire.workers
set versions = array(select current_version from tidewire.flows);
select tests.given_run('other');
select results_eq(
  $$ select run_id, answer from tidewire.move_runs('answer') $$,
  $$ values (tests.id('served'), 'moved') $$,
  'nobody serves it any more, and the run of the current one is left alone'
);
select is_empty($$ select tidewire.move_runs('answer') $$, 'nothing is left to move');
select is(
  (select count(*) from tests.given_claim() where answer = 'claimed'), 2::bigint, 'both are claimed'
);

select * from finish();
rollback;
