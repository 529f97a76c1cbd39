begin;
select plan(3);

select tests.given_running('[{"slug": "write", "max_attempts": 1}]');
select tidewire.fail_steps(
  tests.id('worker'),
  tests.given_append('[{"type": "text-start", "id": "w.1"}]',
    p_more => '{"error": "x", "message": "it broke"}')
);
select is(
  (tests.log_of())[3:],
  array['text-start w.1', 'data-progress write failed', 'text-end w.1', 'error'],
  'and are closed after it'
);

select tests.given_run('second');
select tests.given_claim();
select is(
  (select answer
    from tidewire.fail_steps(tests.id('worker'),
    tests.given_append('[{"type": "text-start", "id": "w.1"}]', 'write', 'second',
    '{"first_sequence": 3}'))
    where ordinal = 0), 'gap', 'refused chunks refuse the failure'
);
select is(
  (select status from flow_steps where run_id = tests.id('second')),
  'running',
  'which is not recorded'
);

select * from finish();
rollback;
