begin;
select plan(2);

select is(
  tests.refusal_of($$ select tests.given_flow('[{"slug": "write"}]') $$),
  jsonb_build_object('code', 'TW010', 'detail', '', 'message',
    format('worker %s is not registered', tests.id('worker'))), 'refused'
);
select is((select count(*) from tidewire.flow_versions), 0::bigint, 'no version remains');

select * from finish();
rollback;
