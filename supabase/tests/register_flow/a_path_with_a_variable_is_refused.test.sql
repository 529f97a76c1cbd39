begin;
select plan(2);

select tests.given_worker();
select matches(
  tests.refusal_of($$select tests.given_flow('[{"slug": "a", "when": "$.input.size > $most"}]')$$) ->> 'message',
  'step a: when must be a jsonpath without variables, got .*most', 'in a condition');
select matches(
  tests.refusal_of($$
    select tests.given_flow('[{"slug": "a", "cache": {"fresh_ms": 1, "scope": "owner", "key": "$mine"}}]')
  $$) ->> 'message',
  'step a: cache.key must be a jsonpath without variables, got .*mine', 'in the key of a cache');

select * from finish();
rollback;
