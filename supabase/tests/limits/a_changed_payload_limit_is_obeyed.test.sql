begin;
select plan(3);

select tests.given_running();
update tidewire.limits set payload_bytes = 1024;
select is((tests.refusal_of($$select tests.given_run('big', p_input => to_jsonb(repeat('x', 1100)))$$)) ->> 'detail', 'TW006', 'by a start');
select is((select answer from tests.given_completed('write', to_jsonb(repeat('x', 1100))) where ordinal = 0), 'invalid', 'by a completion');
select is((select answer from tests.given_completed('write', to_jsonb(repeat('x', 900))) where ordinal = 0), 'completed', 'below it passes');

select * from finish();
rollback;
