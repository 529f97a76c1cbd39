begin;
select plan(3);

select tests.given_running();
create temporary table topics (topic text) on commit drop;
grant select on topics to authenticated, anon;
insert into topics values
  (null), (''), ('room'), ('tidewire:'), ('tidewire:run:'), ('tidewire:run:1'),
  ('tidewire:run:not-a-uuid-at-all-not-a-uuid-at-all'),
  ('tidewire:run:' || tests.id('run') || ':x'), ('tidewire:run:' || upper(tests.id('run')::text)),
  (' tidewire:run:' || tests.id('run')),
  ('tidewire:run:' || tests.id('run') || E'\n'), ('tidewire:run:' || tests.id('none')),
  ('tidewire:thread:' || tests.id('ada')),
  ('tidewire:thread:' || tests.id('ada') || ':'), ('tidewire:thread:' || tests.id('ada') || ':a b'),
  ('tidewire:thread:' || tests.id('ada') || E':thread\n'),
  ('tidewire:thread:------------------------------------:thread'),
  ('tidewire:thread:' || tests.id('ada') || ':' || repeat('x', 65)), (repeat('x', 100000));

select tests.given_signed_in('ada');
select is_empty(
  $$ select topic from topics where tidewire.owns_topic(topic) is distinct from false $$,
  'for a user'
);
reset role;
select set_config('request.jwt.claims', '{"sub": "nonsense"}', true);
select set_config('role', 'authenticated', true);
select lives_ok($$ select tidewire.owns_topic(topic) from topics $$, 'for claims that are no user');
reset role;
select tests.given_signed_in(null);
select is_empty(
  $$ select topic from topics where tidewire.owns_topic(topic) is distinct from false $$,
  'for a visitor'
);

select * from finish();
rollback;
