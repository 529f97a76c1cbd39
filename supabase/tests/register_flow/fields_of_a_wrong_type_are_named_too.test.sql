begin;
select plan(8);

select tests.given_worker();
create function pg_temp.refused (more jsonb) returns text language sql as $$
  select tests.refusal_of(format('select tests.given_flow(%L)', jsonb_build_array('{"slug": "a"}' || more))) ->> 'message'
$$;
select matches(pg_temp.refused('{"takes": "input"}'), 'takes must be .* got input', 'takes');
select matches(pg_temp.refused('{"stream": "maybe"}'), 'stream must be true or false, got maybe', 'stream');
select matches(pg_temp.refused('{"publish": 1}'), 'publish must be true or false, got 1', 'publish');
select matches(pg_temp.refused('{"when": 5}'), 'when must be a jsonpath, got 5', 'when');
select matches(pg_temp.refused('{"cache": "x"}'), 'cache must be an object, got x', 'cache');
select matches(pg_temp.refused('{"cache": {"fresh_ms": 1, "scope": "all"}}'), 'cache.scope must be .* got all', 'scope');
select matches(pg_temp.refused('{"cache": {"fresh_ms": 1, "scope": "shared", "key": "$$"}}'), 'cache.key must be left out', 'key');
select matches(pg_temp.refused('{"tolerance": "0.5"}'), 'tolerance must be .* got 0.5', 'tolerance as text');

select * from finish();
rollback;
