begin;
select plan(2);

select tests.given_running('[{"slug": "a"}, {"slug": "b"}]');
select is(
  tests.refusal_of($$ select tidewire.save_checkpoint('15 s',
    tests.given_append('{"type": "text-start"}', 'a', p_more => '{"data": 1}')) $$),
  null, 'the call is not refused'
);
select is(
  (select array_agg(answer order by ordinal) from tidewire.save_checkpoint('15 s',
    tests.given_append('"text"', 'a', p_more => '{"data": 1}')
      || tests.given_lease('b', '{"data": 1}'))),
  '{invalid,saved}', 'each has its own answer'
);

select * from finish();
rollback;
