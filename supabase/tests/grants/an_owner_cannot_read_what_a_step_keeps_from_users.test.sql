begin;
select plan(3);

select tests.given_running();
select tests.given_signed_in('ada');
select results_eq(
  $$ select c, tests.refusal_of(format('select %I from public.flow_steps', c)) ->> 'code'
    from unnest(array['output', 'error', 'checkpoint_data', 'lease_token', 'lease_expires_at',
      'worker_id', 'open_parts']) c $$,
  $$ select c, '42501'
    from unnest(array['output', 'error', 'checkpoint_data', 'lease_token', 'lease_expires_at',
    'worker_id', 'open_parts']) c $$,
  'outputs, errors, checkpoints and leases'
);
select is(
  tests.refusal_of($$ select * from public.flow_steps $$) ->> 'code',
  '42501',
  'all at once'
);
select results_eq(
  $$ select step_slug, item_index, status, attempt, max_attempts from flow_steps $$,
  $$ values ('write', -1, 'running', 1, 3) $$, 'but how far it is'
);

select * from finish();
rollback;
