begin;
select plan(2);

select tests.given_running();
select tidewire.save_checkpoint(
  '15 s',
  tests.given_append('[{"type": "text-start", "id": "write.1"}]', p_more => '{"data": {"page": 2}}')
);
select tests.given_chunks('[{"type": "text-delta", "id": "write.1", "delta": "x"}]');
select tests.given_clock(statement_timestamp() + interval '1 hour');
select tidewire.rescue_expired_steps(10);

select results_eq(
  $$ select detail -> 'attempt', detail -> 'checkpoint', detail -> 'open_parts',
    detail -> 'last_sequence', detail -> 'last_index'
    from tests.given_claim() where answer = 'claimed' $$,
  $$ values ('2'::jsonb, '{"data": {"page": 2}, "index": 2}'::jsonb,
    '[{"type": "text", "id": "write.1"}]'::jsonb, '2'::jsonb, '3'::jsonb) $$,
  'to go on from'
);
select is(
  (select step_slug from flow_steps where checkpoint_data = '{"page": 2}'),
  'write',
  'the checkpoint stays'
);

select * from finish();
rollback;
