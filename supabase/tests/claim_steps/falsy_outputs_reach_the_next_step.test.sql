begin;
select plan(2);

select tests.given_running(
  '[{"slug": "a"}, {"slug": "b"}, {"slug": "c"}, {"slug": "d"}, {"slug": "e"}, {"slug": "f"},
    {"slug": "write", "deps": ["a", "b", "c", "d", "e", "f"]}]'
);
select tests.given_completed('a', 'null');
select tests.given_completed('b', '0');
select tests.given_completed('c', '""');
select tests.given_completed('d', 'false');
select tests.given_completed('e', '[]');
select tests.given_completed('f', '{}');

select results_eq(
  $$ select output from flow_steps where status = 'completed' order by step_slug $$,
  $$ values ('null'::jsonb), ('0'), ('""'), ('false'), ('[]'), ('{}') $$, 'recorded as they are'
);
select is(
  (select detail -> 'inputs' from tests.given_claim() where answer = 'claimed'),
  '{"a": null, "b": 0, "c": "", "d": false, "e": [], "f": {}}', 'given as they are'
);

select * from finish();
rollback;
