begin;
select plan(5);

-- Whoever recovers, as often as they like, and however late.
select tests.given_running('[{"slug": "write"}, {"slug": "send", "deps": ["write"]}]');
select tests.given_completed('write');
select tests.given_claim();
select tests.given_completed('send');
select tests.given_run('lost');
select tests.given_claim(1);
select tests.given_failed('write', false, 'lost');
create temporary table ended as select run_id, step_slug, status, attempt, output from flow_steps;
create temporary table claimed (answer text);
do $$
declare
  v_ended timestamptz := statement_timestamp();
begin
  for v_hours in 1 .. 100 by 7 loop
    perform tests.given_clock(v_ended + v_hours * interval '1 hour');
    perform tidewire.rescue_expired_steps(10);
    perform tidewire.maintain();
    insert into claimed select c.answer from tests.given_claim() c where c.answer = 'claimed';
  end loop;
end
$$;
select is((select count(*) from claimed), 0::bigint, 'nothing is claimed');
select is((select answer from tests.given_completed('write', '2')), 'duplicate', 'a repetition');
select is(
  (select answer from tests.given_failed('write', true, 'lost')), 'lease_lost', 'a late failure'
);
select results_eq(
  $$ select run_id, step_slug, status, attempt, output from flow_steps order by 1, 2 $$,
  $$ select * from ended order by 1, 2 $$,
  'the steps are as they were'
);
select results_eq(
  $$ select status from flow_runs order by status $$,
  $$ values ('completed'), ('failed') $$,
  'and so are the runs'
);

select * from finish();
rollback;
