begin;
select plan(2);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "write"}]');
select tests.given_run(p_owner => null);
select tests.given_signed_in('ada');
select is(
  (select count(*) from flow_runs) + (select count(*)
    from streaming_chunks) + (select count(step_slug) from flow_steps),
  0::bigint,
  'no row of it'
);
reset role;
select set_config('request.jwt.claims', '{"role": "authenticated"}', true);
select set_config('role', 'authenticated', true);
select is((select count(*) from flow_runs), 0::bigint, 'not even by a token without a user');

select * from finish();
rollback;
