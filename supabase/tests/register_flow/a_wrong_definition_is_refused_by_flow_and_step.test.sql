begin;
select plan(5);

select tests.given_worker();

select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write"}]', 'Answer') $$),
  '{"code": "TW009", "detail": "",
    "message": "flow Answer: slug must match ^[a-z][a-z0-9_]{0,62}$, got Answer"}', 'flow slug'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "progress"}]') $$) ->> 'message',
  'flow answer: step progress has a slug that is reserved or not a slug', 'reserved step slug'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write", "deps": ["search"]},
    {"slug": "search"}]') $$) ->> 'message',
  'flow answer: step write depends on search, which is not an earlier step or named twice',
  'dependency on a later step'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write"},
    {"slug": "write"}]') $$) ->> 'message',
  'flow answer: step write is defined twice', 'one slug twice'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write"}]', 'answer',
    '{"steps": []}') $$) ->> 'message',
  'flow answer: steps must be a list of at least one step', 'no steps'
);

select * from finish();
rollback;
