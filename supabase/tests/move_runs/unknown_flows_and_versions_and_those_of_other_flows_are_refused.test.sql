begin;
select plan(6);

select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_flow('[{"slug": "draw"}]', 'picture');

select is(
  tests.refusal_of($$ select tidewire.move_runs('nothing') $$) - 'message',
  '{"code": "PT404", "detail": "TW003"}',
  'an unknown flow'
);
select is(
  tests.refusal_of($$ select tidewire.move_runs('answer', 'abcdefabcdef') $$),
  '{"code": "PT404", "detail": "TW003", "message": "version ''abcdefabcdef'' of flow answer not found"}',
  'an unknown version'
);
select is(
  tests.refusal_of($$ select tidewire.move_runs('answer', '') $$) ->> 'detail', 'TW003',
  'an empty version is none'
);
select is(
  tests.refusal_of($$ select tidewire.move_runs(
    'answer', (select current_version from tidewire.flows where flow_slug = 'picture')) $$)
    - 'message',
  '{"code": "PT400", "detail": "TW001"}',
  'a version of another flow, to'
);
select is(
  tests.refusal_of($$ select tidewire.move_runs(
    'answer', null, (select current_version from tidewire.flows where flow_slug = 'picture')) $$)
    - 'message',
  '{"code": "PT400", "detail": "TW001"}',
  'a version of another flow, from'
);
select is(
  tests.refusal_of($$ select tidewire.move_runs('answer', p_limit => 0) $$) - 'message',
  '{"code": "PT400", "detail": "TW001"}',
  'a limit of nothing'
);

select * from finish();
rollback;
