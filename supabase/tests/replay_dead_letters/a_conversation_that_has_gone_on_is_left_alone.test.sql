begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write", "stream": true}]');
select tests.given_signed_in();
create temporary table sent as
select (public.send_message('talk', tests.message(), 'answer') ->> 'run_id')::uuid as run_id;
reset role;
select tests.given_claim();
select *
from tidewire.fail_steps(
  tests.id('worker'),
  (
    select jsonb_build_array(jsonb_build_object(
      'run_id', s.run_id, 'step_slug', s.step_slug, 'lease_token', s.lease_token,
      'error', 'no', 'message', 'it broke', 'retryable', false
    ))
    from flow_steps s
  )
);
savepoint alone;
select results_eq(
  'select origin from tidewire.replay_dead_letters()', 'select run_id from sent',
  'the last answer of a conversation is replayed'
);
rollback to alone;
select tests.given_signed_in();
select public.send_message('talk', tests.message('next', 'And the lakes?'), 'answer');
reset role;
select is_empty('select * from tidewire.replay_dead_letters()', 'not while the thread is busy');
update flow_runs
set status = 'cancelled', finished_at = now()
where run_id <> (select run_id from sent);
select is_empty(
  'select * from tidewire.replay_dead_letters()', 'nor when something was said since'
);

select * from finish();
rollback;
