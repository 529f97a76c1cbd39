begin;
select plan(2);

select tests.given_running('[
  {"slug": "nothing"}, {"slug": "zero"}, {"slug": "no"}, {"slug": "blank"}, {"slug": "empty"},
  {"slug": "skipped", "when": "$.input.never"}
]');
select count(*) from tests.given_completed('nothing', 'null');
select count(*) from tests.given_completed('zero', '0');
select count(*) from tests.given_completed('no', 'false');
select count(*) from tests.given_completed('blank', '""');
select count(*) from tests.given_completed('empty', '[]');
select is((select status from flow_runs), 'completed', 'the run completes');
select is(
  (select output from flow_runs),
  '{"nothing": null, "zero": 0, "no": false, "blank": "", "empty": []}',
  'what was falsy is there, what was skipped is not');

select * from finish();
rollback;
