begin;
select plan(3);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "each", "over": "input", "cache": {"fresh_ms": 1000, "scope": "shared"}}]');
select tests.given_run(p_input => '[{"secret": 1}]');
select tests.given_signed_in('ada');
select results_eq(
  $$ select c, tests.refusal_of(format('select %I from public.flow_steps', c)) ->> 'code'
    from unnest(array['item_input', 'sleeps', 'reused', 'counted_at']) c $$,
  $$ select c, '42501'
    from unnest(array['item_input', 'sleeps', 'reused', 'counted_at']) c $$,
  'elements, sleeps and where an output is from'
);
select is(tests.refusal_of('select output from tidewire.cache') ->> 'code', '42501', 'and what is cached');
select results_eq(
  $$ select item_index, status from flow_steps order by 1 $$, $$ values (-1, 'waiting'), (0, 'queued') $$,
  'but how far they are'
);

select * from finish();
rollback;
