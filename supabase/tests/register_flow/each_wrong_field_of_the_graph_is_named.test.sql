begin;
select plan(9);

select tests.given_worker();
create function pg_temp.refused (more jsonb) returns text language sql as $$
  select tests.refusal_of(format('select tests.given_flow(%L)', jsonb_build_array('{"slug": "a"}' || more))) ->> 'message'
$$;
select matches(pg_temp.refused('{"over": "z"}'), 'step a: over must be .* got z', 'over');
select matches(pg_temp.refused('{"over": 5}'), 'step a: over must be .* got 5', 'over as a number');
select matches(pg_temp.refused('{"tolerance": 1.5}'), 'step a: tolerance must be .* got 1.5', 'tolerance');
select matches(pg_temp.refused('{"when": "$$"}'), 'step a: when must be .*', 'when');
select matches(pg_temp.refused('{"otherwise": "run"}'), 'step a: otherwise must be .* got run', 'otherwise');
select matches(pg_temp.refused('{"on_exhausted": "x"}'), 'step a: on_exhausted must be .* got x', 'on_exhausted');
select matches(pg_temp.refused('{"delay_ms": -1}'), 'step a: delay_ms must be .* got -1', 'delay_ms');
select matches(pg_temp.refused('{"cache": {"fresh_ms": 0, "scope": "owner"}}'), 'step a: fresh_ms must be .* got 0', 'cache');
select matches(pg_temp.refused('{"takes": ["z"]}'), 'step a: takes must be .* got .*z', 'takes');

select * from finish();
rollback;
