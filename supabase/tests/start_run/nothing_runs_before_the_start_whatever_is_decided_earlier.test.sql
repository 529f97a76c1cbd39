begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[
  {"slug": "ask", "when": "$.input.deep == true"}, {"slug": "each", "over": "input"},
  {"slug": "answer", "deps": ["ask"]}, {"slug": "study", "deps": ["ask"], "when": "$.input"},
  {"slug": "sum", "deps": ["each"]}
]');
select tidewire.start_run_for(tests.id('ada'), 'answer', '[]', tests.id('run'), p_start_at => tidewire.clock() + interval '1 day');
select is((select count(*) from flow_steps where status = 'queued'), 0::bigint, 'no step is ready');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 0::bigint, 'none is claimed');
select results_eq(
  'select step_slug from flow_steps where status = ''scheduled'' order by 1',
  $$values ('answer'), ('study'), ('sum')$$, 'what goes on without a worker is scheduled');
select tests.given_clock(now() + interval '25 hours');
select is((select count(*) from tests.given_claim() where answer = 'claimed'), 3::bigint, 'then they are claimed');

select * from finish();
rollback;
