begin;
select plan(3);

set local role service_role;
select lives_ok('update tidewire.limits set map_items = 5', 'service_role may');
reset role;
select tests.given_signed_in();
select throws_ok('select * from tidewire.limits', '42501');
select throws_ok('update tidewire.limits set map_items = 6', '42501');
reset role;

select * from finish();
rollback;
