begin;
select plan(3);

select tests.given_running();
select tests.given_chunks('[{"type": "text-start", "id": "write.1"}]');
create temporary table before on commit drop as select tests.log_of() as log;

select results_eq(
  $$ select answer, detail
    from tidewire.append_chunks('15 s',
    tests.given_append('[{"type": "text-end", "id": "write.1"}]',
    p_more => '{"first_sequence": 5}')) $$,
  $$ values ('gap', '{"expected_sequence": 1}'::jsonb) $$, 'ahead'
);
select results_eq(
  $$ select answer, detail
    from tidewire.append_chunks('15 s',
    tests.given_append('[{"type": "text-end", "id": "write.1"}]',
    p_more => '{"first_sequence": null}')) $$,
  $$ values ('gap', '{"expected_sequence": 1}'::jsonb) $$, 'without a sequence'
);
select is(tests.log_of(), (select log from before), 'nothing was written');

select * from finish();
rollback;
