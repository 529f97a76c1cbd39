begin;
select plan(2);

select tests.given_running('[{"slug": "write"}, {"slug": "draw"}]');
create temporary table zombie on commit drop as
select tests.given_lease('write', '{"output": "late"}') as request;
create temporary table old on commit drop as select flow_version from flow_runs;
select tidewire.release_steps(tests.id('worker'), tests.given_lease('write') || tests.given_lease('draw'));
select tests.given_flow('[{"slug": "draw"}]');
select m.* from old, tidewire.move_runs('answer', null, flow_version) m;
select m.* from old, tidewire.move_runs(
  'answer', flow_version, (select current_version from tidewire.flows)) m;
select tests.given_claim();

select is(
  (
    select answer
    from zombie, tidewire.complete_steps(tests.id('worker'), request, '15 s', '{}', '{}', 0)
    where ordinal = 0
  ),
  'lease_lost', 'the first attempt completes nothing'
);
select is((select status from flow_steps where step_slug = 'write'), 'running', 'the second goes on');

select * from finish();
rollback;
