begin;
select plan(4);

select tests.given_running();
select tests.given_user('eve');
select tests.given_signed_in('ada');
select is(tidewire.owns_topic('tidewire:run:' || tests.id('run')), true, 'a run');
select is(
  tidewire.owns_topic('tidewire:thread:' || tests.id('ada') || ':thread'),
  true,
  'a thread, also one to come'
);
select tests.given_signed_in('eve');
select is(
  tidewire.owns_topic('tidewire:run:' || tests.id('run')),
  false,
  'not somebody else''s run'
);
select is(
  tidewire.owns_topic('tidewire:thread:' || tests.id('ada') || ':thread'),
  false,
  'not somebody else''s thread'
);

select * from finish();
rollback;
