begin;
select plan(4);

-- By liveness, not by age: six hours are long for a queue and nothing to a lease that is extended.
select tests.given_running('[{"slug": "write", "stream": true, "timeout_ms": 86400000}]');
create temporary table beats (at timestamptz, answer text, rescued bigint);
do $$
declare
  v_begun timestamptz := statement_timestamp();
begin
  for v_minutes in 1 .. 360 by 10 loop
    for v_seconds in 0 .. 10 by 10 loop
      perform tests.given_clock(v_begun + v_minutes * interval '1 min' + v_seconds * interval '1 s');
      insert into beats
      select
        tidewire.clock(),
        e.answer,
        (select count(*) from tidewire.rescue_expired_steps(10))
      from tidewire.extend_leases(tests.id('worker'), '10 min', tests.given_lease()) e;
    end loop;
  end loop;
end
$$;
select is((select count(*) from beats), 72::bigint, 'many heartbeats');
select is((select count(*) from beats where answer <> 'extended'), 0::bigint, 'each extends');
select is((select sum(rescued) from beats), 0::numeric, 'and nobody takes the step');
select results_eq(
  $$ select status, attempt, lease_token from flow_steps $$,
  $$ values ('running', 1, 1::bigint) $$,
  'it is executed once'
);

select * from finish();
rollback;
