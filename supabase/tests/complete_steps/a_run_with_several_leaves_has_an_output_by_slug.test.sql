begin;
select plan(2);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}, {"slug": "c"}]');
select tests.given_completed('a', '1');
select tests.given_completed('b', 'null');
select tests.given_completed('c', '""');

select is((select output from flow_runs), '{"a": 1, "b": null, "c": ""}', 'falsy ones are kept');
select is((select status from flow_runs), 'completed', 'the run is completed');

select * from finish();
rollback;
