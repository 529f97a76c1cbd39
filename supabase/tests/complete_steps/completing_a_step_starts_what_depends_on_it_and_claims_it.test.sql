begin;
select plan(5);

select tests.given_running('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');
create temporary table answered on commit drop as
  select * from tidewire.complete_steps(
    tests.id('worker'), tests.given_lease('search', '{"output": [1]}'), '15 s', '{default}',
    array(select flow_version from tidewire.flow_versions), 1
  );

select results_eq(
  $$ select ordinal, answer, step_slug from answered where answer <> 'logged' $$,
  $$ values (0, 'completed', 'search'), (null, 'claimed', 'write') $$, 'one round trip'
);
select is(
  (select detail -> 'inputs' from answered where answer = 'claimed'),
  '{"search": [1]}',
  'the next step gets the output'
);
select is(
  tests.log_of(),
  array['start', 'data-progress search started', 'data-progress search completed',
    'data-progress write started'], 'the log'
);
select results_eq(
  $$ select step_slug, status, remaining_deps from flow_steps order by 1 $$,
  $$ values ('search', 'completed', 0), ('write', 'running', 0) $$, 'the steps'
);
select is((select remaining_steps from flow_runs), 1, 'the run counts what remains');

select * from finish();
rollback;
