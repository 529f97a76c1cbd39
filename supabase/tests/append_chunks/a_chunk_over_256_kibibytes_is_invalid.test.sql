begin;
select plan(3);

select tests.given_running();

select is(
  (select detail ->> 'reason'
    from tests.given_chunks(jsonb_build_array(jsonb_build_object('type', 'text-delta', 'id', 'w',
    'delta', repeat('x', 262144))))),
  format('chunk must be at most 262144 bytes, got %s',
    octet_length(jsonb_build_object('type', 'text-delta', 'id', 'w', 'delta',
      repeat('x', 262144))::text)),
  'the reason names the size'
);
select is(
  (select answer
    from tests.given_chunks(jsonb_build_array(jsonb_build_object('type', 'text-delta', 'id', 'w',
    'delta', repeat(E'\u0001', 60000))))),
  'invalid', 'characters that JSON escapes count as they are sent'
);
select is(
  (select answer
    from tests.given_chunks(jsonb_build_array(jsonb_build_object('type', 'text-delta', 'id', 'w',
    'delta', repeat('x', 262000))))),
  'appended', 'just below it is not'
);

select * from finish();
rollback;
