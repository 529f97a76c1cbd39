begin;
select plan(4);

select tests.given_running('[{"slug": "write"}, {"slug": "other"}]');
select tests.given_chunks('[{"type": "text-start", "id": "w.1"}]');

select is(
  tidewire.read_step_text(tests.id('run'), 'write', -1, 2),
  '{"parts": {}}',
  'not under another token'
);
select is(
  tidewire.read_step_text(tests.id('run'), 'write', -1, null),
  '{"parts": {}}',
  'not without one'
);
select is(
  tidewire.read_step_text(tests.id('run'), 'other', -1, 1),
  '{"parts": {}}',
  'not another step''s'
);
select tests.given_completed();
select is(
  tidewire.read_step_text(tests.id('run'), 'write', -1, 1),
  '{"parts": {}}',
  'not after the end'
);

select * from finish();
rollback;
