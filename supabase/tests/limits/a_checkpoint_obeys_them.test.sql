begin;
select plan(2);

select tests.given_running();
update tidewire.limits set payload_bytes = 1024;
select is(
  (select answer from tidewire.save_checkpoint('15 s', tests.given_lease('write', jsonb_build_object('data', repeat('x', 1100)))) where ordinal = 0),
  'invalid', 'over the limit');
select is((select checkpoint_at from flow_steps), null, 'nothing is kept');

select * from finish();
rollback;
