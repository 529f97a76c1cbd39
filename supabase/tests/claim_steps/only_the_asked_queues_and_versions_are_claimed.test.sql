begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}, {"slug": "draw", "queue": "gpu"}]');
select tests.given_run();

select is(
  (select count(*)
    from tidewire.claim_steps(tests.id('worker'), '{default,gpu}', '{unknown}', '15 s', 10)
    where answer = 'claimed'),
  0::bigint, 'no other version'
);
select results_eq(
  $$ select step_slug from tests.given_claim(p_queues => '{gpu}') where answer = 'claimed' $$,
  $$ values ('draw') $$, 'no other queue'
);
select results_eq(
  $$ select step_slug from tests.given_claim(p_queues => '{gpu,default}')
    where answer = 'claimed' $$, $$ values ('write') $$,
  'several queues at once'
);

select * from finish();
rollback;
