begin;
select plan(6);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "search"}, {"slug": "write", "deps": ["search"], "stream": true},
  {"slug": "store", "deps": ["write"]}
]');
select tests.given_run('run', 'answer', tests.id('ada'), null, '{"q": 1}');
select tests.given_done('{search,write,store}');
select tests.given_signed_in('ada');

create temporary table made on commit drop as
  select
    (public.regenerate(tests.id('run')) ->> 'run_id')::uuid as same,
    (public.regenerate(tests.id('run'), '{"q": 2}', 'key') ->> 'run_id')::uuid as other;
select is(
  tests.refusal_of($$ select public.regenerate(tests.id('run'), '{"q": 3}', 'key') $$) ->> 'detail',
  'TW004', 'the key with another input is a conflict'
);
select is(
  (public.regenerate(tests.id('run'), '{"q": 2}', 'key') ->> 'run_id')::uuid,
  (select other from made), 'with the same it returns the run'
);
select is(
  tests.refusal_of(
    $$ select public.regenerate(tests.id('run'), to_jsonb(repeat('x', 1100000))) $$
  ) ->> 'code',
  'PT413', 'an input over the limit is refused'
);
reset role;
select is(
  tests.steps_of((select same from made)),
  '{"search": "completed run", "write": "queued", "store": "waiting"}', 'what streams is redone'
);
select is(
  (select r.input from flow_runs r join made on run_id = same), '{"q": 1}', 'with the same input'
);
select is(
  (select r.input from flow_runs r join made on run_id = other), '{"q": 2}', 'or with another'
);

select * from finish();
rollback;
