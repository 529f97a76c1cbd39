begin;
select plan(3);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}, {"slug": "c"}, {"slug": "d"}]');
create temporary table appended on commit drop as
  select * from tidewire.append_chunks('15 s',
    tests.given_append('[{"type": "text-start", "id": "a.1"}]', 'a', p_more => '{"lease_token": 7}')
    || tests.given_append('[{"type": "text-start", "id": "b.1"}]', 'b')
    || tests.given_append('[{"type": "finish"}]', 'c')
    || tests.given_append('[{"type": "text-start", "id": "d.1"}]', 'd')
    || tests.given_append('[{"type": "text-start", "id": "x.1"}]', 'a',
      p_more => jsonb_build_object('run_id', tests.id('none'))));

select results_eq(
  $$ select ordinal, answer from appended order by 1 $$,
  $$ values (0, 'lease_lost'), (1, 'appended'), (2, 'invalid'), (3, 'appended'),
    (4, 'cancelled') $$, 'each has its own answer'
);
select results_eq(
  $$ select (detail -> 'first_index')::int from appended where answer = 'appended'
    order by ordinal $$, $$ values (5), (6) $$,
  'steps of one run share its indexes, in the order of the request'
);
select is(
  (select count(*) = max(chunk_index) + 1 from streaming_chunks), true, 'the log is dense'
);

select * from finish();
rollback;
