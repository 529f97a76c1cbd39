begin;
select plan(6);

select tests.given_user();
select tests.given_worker();
create function pg_temp.fate (path text, input jsonb) returns text language plpgsql as $$
begin
  perform tests.given_flow(jsonb_build_array(jsonb_build_object('slug', 'a', 'when', path)));
  perform tests.given_run('run' || path || input, p_input => input);
  return (select status from flow_steps where run_id = tests.id('run' || path || input));
end $$;
select is(pg_temp.fate('$.input.n > 3', '{"n": 4}'), 'queued', 'a predicate');
select is(pg_temp.fate('$.input.n > 3', '{"n": 3}'), 'skipped', 'that is false');
select is(pg_temp.fate('$.input ? (@.n > 3)', '{"n": 4}'), 'queued', 'a filter');
select is(pg_temp.fate('$.input ? (@.n > 3)', '{"n": 3}'), 'skipped', 'that finds nothing');
select is(pg_temp.fate('$.input.n', '{"n": 0}'), 'queued', 'zero holds');
select is(pg_temp.fate('$.input.n', '{"n": null}'), 'skipped', 'null does not');

select * from finish();
rollback;
