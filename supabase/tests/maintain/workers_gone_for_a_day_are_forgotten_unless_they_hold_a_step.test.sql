begin;
select plan(2);

select tests.given_running();
select tests.given_worker('gone');
select tests.given_worker('new');
update tidewire.workers set last_seen_at = now() - interval '25 hours' where name <> 'new';
update flow_steps set lease_expires_at = now() + interval '1 hour';

select is((select tidewire.maintain() -> 'workers'), '1', 'one');
select bag_eq(
  $$ select name from tidewire.workers $$,
  $$ values ('worker'), ('new') $$,
  'the holder stays'
);

select * from finish();
rollback;
