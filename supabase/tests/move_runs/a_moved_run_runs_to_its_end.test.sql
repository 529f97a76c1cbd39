begin;
select plan(3);

select tests.given_running('[{"slug": "search"}, {"slug": "old", "deps": ["search"]}]');
select tests.given_completed('search', '"found"');
select tests.given_flow('[{"slug": "search"}, {"slug": "write", "deps": ["search"]}]');
select * from tidewire.move_runs('answer', null, (select flow_version from flow_runs));

select is(
  (select detail -> 'inputs' from tests.given_claim() where answer = 'claimed'),
  '{"search": "found"}',
  'the new step gets the output of the old one'
);
select tests.given_completed('write', '"written"');
select is((select output from flow_runs), '"written"', 'its output is the run''s');
select is(
  (tests.log_of())[array_length(tests.log_of(), 1)], 'finish', 'and the log has ended'
);

select * from finish();
rollback;
