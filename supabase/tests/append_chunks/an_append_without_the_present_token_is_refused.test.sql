begin;
select plan(3);

select tests.given_running();

select results_eq(
  $$ select token, a.answer from (values ('0'), ('2'), ('null')) t (token),
    lateral tidewire.append_chunks('15 s',
      tests.given_append('[{"type": "text-start", "id": "write.1"}]',
      p_more => jsonb_build_object('lease_token', token::jsonb))) a $$,
  $$ values ('0', 'lease_lost'), ('2', 'lease_lost'), ('null', 'lease_lost') $$,
  'an old one, a future one, none'
);
select is(
  (select answer from tidewire.append_chunks('15 s',
    (select jsonb_agg(v - 'lease_token')
      from jsonb_array_elements(tests.given_append('[{"type": "text-start",
      "id": "write.1"}]')) v))),
  'lease_lost', 'a missing one'
);
select is(tests.log_of(), array['start', 'data-progress write started'], 'nothing was written');

select * from finish();
rollback;
