begin;
select plan(2);

select tests.given_running(
  '[{"slug": "search"}, {"slug": "rank"}, {"slug": "other"},
    {"slug": "write", "deps": ["search", "rank"]}]'
);
select tests.given_completed('search', '[1, 2]');
select tests.given_completed('rank', 'null');

select is(
  (select detail -> 'inputs' from tests.given_claim() where answer = 'claimed'),
  '{"search": [1, 2], "rank": null}', 'by slug, and no other'
);
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 0::bigint, 'once');

select * from finish();
rollback;
