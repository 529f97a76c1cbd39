begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('old');
select tests.given_flow('[{"slug": "write"}]', 'answer', '{"label": "2"}');
select tests.given_run('new');

select isnt(
  (select flow_version from flow_runs where run_id = tests.id('old')),
  (select flow_version from flow_runs where run_id = tests.id('new')),
  'each run is pinned to its version'
);
select is(
  (
    select count(*)
    from tidewire.claim_steps(
      tests.id('worker'), '{default}',
      array(select flow_version from flow_runs where run_id = tests.id('new')), '15 s', 10
    )
    where answer = 'claimed' and run_id = tests.id('old')
  ),
  0::bigint, 'a worker without the old version does not get its steps'
);

select * from finish();
rollback;
