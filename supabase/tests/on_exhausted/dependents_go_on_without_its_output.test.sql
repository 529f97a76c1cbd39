begin;
select plan(4);

select tests.given_running('[
  {"slug": "picture", "max_attempts": 1, "on_exhausted": "skip"},
  {"slug": "shrink", "deps": ["picture"], "over": "picture"},
  {"slug": "answer", "deps": ["picture", "shrink"]}
]');
select is((select answer from tests.given_failed('picture') where ordinal = 0), 'skipped', 'it is skipped');
select is(
  (select detail -> 'inputs' from tests.given_claim() where answer = 'claimed'),
  '{"shrink": []}', 'its dependent is given no output of it, and a map over it is empty');
select is((select error from flow_steps where step_slug = 'picture'), 'Traceback: secret', 'operators see why');
select is((select count(*) from streaming_chunks where chunk_data::text like '%secret%'), 0::bigint, 'readers do not');

select * from finish();
rollback;
