begin;
select plan(3);

select tests.given_running('[{"slug": "search", "publish": true}, {"slug": "rank"}]');
select tests.given_completed('rank', '"secret"');
select tests.given_completed('search', '{"hits": 0}');

select is(
  (select chunk_data from streaming_chunks where chunk_data ->> 'type' = 'data-search'),
  '{"type": "data-search", "id": "search", "data": {"hits": 0}}', 'as a data part'
);
select is(
  (select count(*) from streaming_chunks where chunk_data ->> 'type' = 'data-rank'),
  0::bigint,
  'the other is not'
);
select is(
  (tests.log_of())[5:],
  array['data-progress search completed', 'data-search search', 'finish'],
  'after completed, before finish'
);

select * from finish();
rollback;
