begin;
select plan(2);

select tests.given_worker();

select results_eq(
  $$
    select what, tests.refusal_of(format('select tests.given_flow(%L, %L, %L)', steps, 'answer',
      more)) ->> 'code'
    from (values
      ('steps that are no list', '[{"slug": "write"}]', '{"steps": {}}'),
      ('a step that is no object', '[{"slug": "write"}]', '{"steps": ["write"]}'),
      ('a timeout that is no number', '[{"slug": "write"}]', '{"timeout_ms": "soon"}'),
      ('attempts that are no whole number', '[{"slug": "write", "max_attempts": 1.5}]', '{}'),
      ('an on_retry that is unknown', '[{"slug": "write", "on_retry": "panic"}]', '{}'),
      ('a dependency named twice',
        '[{"slug": "search"}, {"slug": "write", "deps": ["search", "search"]}]', '{}')
    ) wrong (what, steps, more)
  $$,
  $$ values ('steps that are no list', 'TW009'), ('a step that is no object', 'TW009'),
    ('a timeout that is no number', 'TW009'),
    ('attempts that are no whole number', 'TW009'), ('an on_retry that is unknown', 'TW009'),
    ('a dependency named twice', 'TW009') $$,
  'with TW009'
);
select is((select count(*) from tidewire.flow_versions), 0::bigint, 'nothing remains');

select * from finish();
rollback;
