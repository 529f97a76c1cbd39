begin;
select plan(2);

select tests.given_running();
select tidewire.save_checkpoint('15 s', tests.given_lease('write', '{"data": null}'));
select tidewire.release_steps(tests.id('worker'), tests.given_lease());
create temporary table claimed on commit drop as select detail from tests.given_claim()
  where answer = 'claimed';

select is(
  (select detail -> 'checkpoint' from claimed),
  '{"data": null, "index": null}',
  'saved null is not the same as none'
);
select is(
  (select jsonb_typeof(detail -> 'checkpoint') from claimed),
  'object',
  'none would be null'
);

select * from finish();
rollback;
