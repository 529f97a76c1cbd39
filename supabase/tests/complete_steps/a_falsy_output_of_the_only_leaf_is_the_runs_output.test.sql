begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run('null');
select tests.given_run('zero');
select tests.given_run('empty');
select tests.given_run('false');
select tests.given_run('list');
select tests.given_claim();
select tests.given_completed('write', 'null', 'null');
select tests.given_completed('write', '0', 'zero');
select tests.given_completed('write', '""', 'empty');
select tests.given_completed('write', 'false', 'false');
select tests.given_completed('write', '[]', 'list');

select results_eq(
  $$ select r.output
    from (values (1, 'null'), (2, 'zero'), (3, 'empty'), (4, 'false'), (5, 'list')) n (nth, name)
    join flow_runs r on r.run_id = tests.id(name) order by nth $$,
  $$ values ('null'::jsonb), ('0'), ('""'), ('false'), ('[]') $$, 'of the run'
);
select is((select count(*) from flow_steps where output is not null), 5::bigint, 'of the steps');

select * from finish();
rollback;
