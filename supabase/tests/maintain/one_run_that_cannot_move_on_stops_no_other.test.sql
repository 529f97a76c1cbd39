begin;
select plan(5);

set local client_min_messages = error;
select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "max_attempts": 1}]');
select tests.given_run(name) from unnest(array['broken', 'lost', 'broken_too', 'late']) name;
select count(*) from tests.given_claim();
create function pg_temp.break () returns trigger language plpgsql as $$
begin
  raise exception 'this run cannot be written';
end
$$;
create trigger breaks before update on flow_runs for each row
when (new.run_id in (tests.id('broken'), tests.id('broken_too'))) execute function pg_temp.break();

update flow_steps set lease_expires_at = clock_timestamp() - interval '1 s'
where run_id in (tests.id('broken'), tests.id('lost'));
select is((select count(*) from tidewire.rescue_expired_steps(10) where answer = 'failed'), 1::bigint, 'the others are rescued');
select is((select status from flow_runs where run_id = tests.id('lost')), 'failed', 'and end');
select is((select status from flow_runs where run_id = tests.id('broken')), 'running', 'the one that cannot is left as it is');

alter table flow_runs disable trigger breaks;
update flow_runs set deadline_at = now() - interval '1 s' where run_id in (tests.id('broken_too'), tests.id('late'));
alter table flow_runs enable trigger breaks;
select is((tidewire.maintain() ->> 'overdue')::integer, 1, 'the others are ended at their deadline');
select is((select status from flow_runs where run_id = tests.id('late')), 'failed', 'and say so');

select * from finish();
rollback;
