begin;
select plan(2);

select tests.given_running('[{"slug": "a", "stream": true, "max_attempts": 1}, {"slug": "b", "stream": true, "max_attempts": 1}]');
select tests.given_chunks('[{"type": "text-start", "id": "a.1"}]', 'a');
select tests.given_chunks('[{"type": "text-start", "id": "b.1"}]', 'b');
select tidewire.fail_steps(tests.id('worker'), tests.given_lease('a', '{"error": "x", "message": "x"}') || tests.given_lease('b', '{"error": "x", "message": "x"}'));
select is((select count(*) from streaming_chunks where chunk_data ->> 'type' = 'error'), 1::bigint, 'once');
select is((select count(*) from streaming_chunks where chunk_data ->> 'type' = 'text-end'), 2::bigint, 'with both parts closed');

select * from finish();
rollback;
