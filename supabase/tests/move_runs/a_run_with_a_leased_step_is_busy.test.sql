begin;
select plan(3);

select tests.given_running('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');
create temporary table before on commit drop as select * from flow_steps;
select tests.given_flow('[{"slug": "write"}]');

select results_eq(
  $$ select run_id, answer from tidewire.move_runs(
    'answer', null, (select flow_version from flow_runs)) $$,
  $$ values (tests.id('run'), 'busy') $$,
  'the run is busy'
);
select set_eq('select * from flow_steps', 'select * from before', 'its steps are as they were');
select isnt(
  (select flow_version from flow_runs), (select current_version from tidewire.flows),
  'and so is its version'
);

select * from finish();
rollback;
