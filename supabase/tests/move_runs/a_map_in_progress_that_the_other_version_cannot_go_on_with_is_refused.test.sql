begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "score", "over": "input"}]');
select tests.given_run(p_input => '[1, 2, 3]');
create temporary table before on commit drop as select * from flow_steps;
create temporary table old on commit drop as select flow_version from flow_runs;

select tests.given_flow('[{"slug": "score"}]');
select results_eq(
  $$ select answer, reason from old, tidewire.move_runs('answer', null, flow_version) $$,
  $$ values ('refused', 'step score is a map whose items are in progress, and the other version'
    || ' cannot go on with them') $$,
  'where it is no map'
);
select tests.given_flow('[{"slug": "other"}]');
select is(
  (select answer from old, tidewire.move_runs('answer', null, flow_version)), 'refused',
  'where it is gone'
);
select tests.given_flow('[{"slug": "other"}, {"slug": "score", "over": "input", "deps": ["other"]}]');
select is(
  (select answer from old, tidewire.move_runs('answer', null, flow_version)), 'refused',
  'where it waits for another step'
);
select set_eq('select * from flow_steps', 'select * from before', 'and nothing is changed');

select * from finish();
rollback;
