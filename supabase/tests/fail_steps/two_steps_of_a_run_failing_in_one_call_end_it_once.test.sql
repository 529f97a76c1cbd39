begin;
select plan(3);

select tests.given_running('[{"slug": "a", "max_attempts": 1}, {"slug": "b", "max_attempts": 1}]');
create temporary table failed on commit drop as
  select * from tidewire.fail_steps(tests.id('worker'),
    tests.given_lease('a', '{"message": "a broke"}')
    || tests.given_lease('b', '{"message": "b broke"}'));

select results_eq(
  $$ select ordinal, answer from failed where ordinal is not null order by 1 $$,
  $$ values (0, 'failed'), (1, 'failed') $$, 'both failed'
);
select is(
  (tests.log_of())[4:], array['data-progress a failed', 'data-progress b failed', 'error'],
  'one error entry'
);
select is((select error from flow_runs), 'a broke', 'the first says why');

select * from finish();
rollback;
