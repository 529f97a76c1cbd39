begin;
select plan(8);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "never", "when": "$.input.never"}]', 'quick');
select tests.given_flow('[{"slug": "fails", "when": "$.input.never", "otherwise": "fail"}]', 'fails');
select tests.given_flow('[{"slug": "write"}]');
select tests.given_signed_in();
create temporary table sent on commit drop as
  select send_message('t', tests.message('1'), 'quick') as answer;
select is((select answer ->> 'status' from sent), 'completed', 'it has completed when its start is answered');
reset role;
select is((select active_run_id from flow_threads), null, 'the thread is free again');
select tests.given_signed_in();
select is((send_message('t', tests.message('2'), 'fails')) ->> 'status', 'failed', 'another may fail at once');
select is((send_message('t', tests.message('3'), 'answer')) ->> 'status', 'queued', 'the next one is taken');
select send_message('t', tests.message('4'), 'quick', 'queue');
select send_message('t', tests.message('5'), 'fails', 'queue');
select send_message('t', tests.message('6'), 'quick', 'queue');
reset role;
select count(*) from tests.given_claim();
select count(*) from tidewire.complete_steps(
  tests.id('worker'),
  (select jsonb_build_array(jsonb_build_object('run_id', run_id, 'step_slug', step_slug, 'lease_token', 1, 'output', 1)) from flow_steps where status = 'running'),
  '15 s', '{}', '{}', 0);
select is((select count(*) from flow_runs where finished_at is null), 0::bigint, 'those that waited end one by one');
select is((select active_run_id from flow_threads), null, 'and the thread is free');
select tidewire.maintain();
select is((select count(*) from flow_messages where role = 'assistant' and status = 'streaming'), 0::bigint, 'no answer is left open');
select is(
  (select count(*) from flow_runs r where (tests.log_of(r.run_id))[array_length(tests.log_of(r.run_id), 1)] in ('finish', 'error')),
  6::bigint, 'every log has ended');

select * from finish();
rollback;
