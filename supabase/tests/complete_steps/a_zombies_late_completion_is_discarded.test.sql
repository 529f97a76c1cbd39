begin;
select plan(4);

select tests.given_running('[{"slug": "write"}, {"slug": "show", "deps": ["write"]}]');
create temporary table request on commit drop
  as select tests.given_lease('write', '{"output": "zombie"}') as items;
select tests.given_clock(statement_timestamp() + interval '1 hour');
select tidewire.rescue_expired_steps(10);
select is(
  (select a.answer from request,
    tidewire.complete_steps(tests.id('worker'), items, '15 s', '{}', '{}', 0) a where ordinal = 0),
    'lease_lost', 'while the step is queued'
);
select tests.given_claim();
select is(
  (select a.answer from request,
    tidewire.complete_steps(tests.id('worker'), items, '15 s', '{}', '{}', 0) a where ordinal = 0),
    'lease_lost', 'while another attempt runs'
);
select tests.given_completed('write', '"owner"');
select is(
  (select a.answer from request,
    tidewire.complete_steps(tests.id('worker'), items, '15 s', '{}', '{}', 0) a where ordinal = 0),
    'lease_lost', 'after another attempt completed'
);
select is(
  (select output from flow_steps where step_slug = 'write'),
  '"owner"',
  'the owner''s output stands'
);

select * from finish();
rollback;
