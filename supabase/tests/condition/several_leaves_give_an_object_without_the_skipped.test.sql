begin;
select plan(1);

select tests.given_running('[{"slug": "a", "when": "$.input.go"}, {"slug": "b"}]');
select tests.given_completed('b', 'null');
select is((select output from flow_runs), '{"b": null}', 'a null that was given stays');

select * from finish();
rollback;
