begin;
select plan(6);

select tests.given_worker();
create function pg_temp.refused (more jsonb) returns text language sql as $$
  select tests.refusal_of(format('select tests.given_flow(%L)', jsonb_build_array('{"slug": "a"}' || more))) ->> 'message'
$$;
select matches(pg_temp.refused('{"deps": [null]}'), 'step a depends on', 'deps');
select matches(pg_temp.refused('{"deps": [1]}'), 'step a depends on 1', 'deps that are no texts');
select matches(pg_temp.refused('{"takes": [null]}'), 'takes must be', 'takes');
select matches(pg_temp.refused('{"takes": null}'), 'takes must be', 'takes itself');
select matches(pg_temp.refused('{"cache": {"fresh_ms": null, "scope": "owner"}}'), 'fresh_ms must be', 'fresh_ms');
select is(
  pg_temp.refused('{"over": null, "when": null, "otherwise": null, "on_exhausted": null, "tolerance": null, "cache": null}'),
  null, 'what is null is not set');

select * from finish();
rollback;
