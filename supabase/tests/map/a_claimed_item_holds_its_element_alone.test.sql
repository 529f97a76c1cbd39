begin;
select plan(4);

select tests.given_user();
select tests.given_worker();
select tests.given_flow('[{"slug": "list"}, {"slug": "each", "deps": ["list"], "over": "list", "takes": []}]');
select tests.given_run(p_input => '{"big": true}');
select count(*) from tests.given_claim();
select tests.given_completed('list', '["a", null]');
create temporary table claimed on commit drop as select * from tests.given_claim() where answer = 'claimed';
select is((select detail -> 'item' from claimed where detail ->> 'item_index' = '0'), '"a"', 'the element');
select is((select detail -> 'item' from claimed where detail ->> 'item_index' = '1'), 'null', 'null is one');
select is((select array_agg(distinct detail -> 'inputs') from claimed), array['{}'::jsonb], 'no list');
select is((select array_agg(distinct detail -> 'run_input') from claimed), array['null'::jsonb], 'no input');

select * from finish();
rollback;
