begin;
select plan(5);

select tests.given_worker();

select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write"}]', 'answer',
    '{"access": "anyone"}') $$) ->> 'message',
  'flow answer: access must be service or authenticated, got anyone', 'access'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write"}]', 'answer',
    '{"timeout_ms": 0}') $$) ->> 'message',
  'flow answer: timeout_ms must be a whole number from 1 to 31536000000, got 0',
  'the run''s timeout'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write",
    "max_attempts": 0}]') $$) ->> 'message',
  'flow answer: step write: max_attempts must be a whole number from 1 to 1000, got 0',
  'max_attempts'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write",
    "timeout_ms": null}]') $$) ->> 'message',
  'flow answer: step write: timeout_ms must be a whole number from 1 to 31536000000, got null',
  'the attempt''s timeout'
);
select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write", "backoff_base_ms": 2,
    "backoff_cap_ms": 1}]') $$) ->> 'message',
  'flow answer: step write: backoff_base_ms must be a whole number from 0 to 1, got 2', 'backoff'
);

select * from finish();
rollback;
