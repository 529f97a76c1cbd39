"""Everything that each role may reach in schemas public and tidewire. What is not here, it may not.

Functions and tables are named as `regprocedure` and `regclass` print them.
"""

from __future__ import annotations

ROLES = ("anon", "authenticated", "service_role", "tidewire_worker")

CLIENT_FUNCTIONS = {
    "start_run(text,jsonb,uuid,text,text,timestamp with time zone)",
    "send_message(text,jsonb,text,text)",
    "cancel_run(uuid)",
    "retry_run(uuid,text,text)",
    "regenerate(uuid,jsonb,text)",
    "read_log(uuid,bigint,integer)",
}
WORKER_FUNCTIONS = {
    "tidewire.register_worker(uuid,jsonb)",
    "tidewire.register_flow(uuid,jsonb)",
    "tidewire.set_idle(uuid,boolean)",
    "tidewire.stop_worker(uuid)",
    "tidewire.claim_steps(uuid,text[],text[],interval,integer)",
    "tidewire.extend_leases(uuid,interval,jsonb)",
    "tidewire.release_steps(uuid,jsonb)",
    "tidewire.append_chunks(interval,jsonb)",
    "tidewire.save_checkpoint(interval,jsonb)",
    "tidewire.read_step_text(uuid,text,integer,bigint)",
    "tidewire.complete_steps(uuid,jsonb,interval,text[],text[],integer)",
    "tidewire.fail_steps(uuid,jsonb)",
    "tidewire.rescue_expired_steps(integer)",
    "tidewire.thread_messages(uuid)",
    "tidewire.fold_messages(uuid[],integer)",
    "tidewire.maintain(integer)",
    "tidewire.is_served(text)",
    "tidewire.move_runs(text,text,text,integer)",
    "tidewire.sleep_steps(uuid,jsonb)",
    "tidewire.start_run_for(uuid,text,jsonb,uuid,text,text,integer,timestamp with time zone)",
    "tidewire.retry_run_for(uuid,text,text)",
    "tidewire.regenerate_for(uuid,jsonb,text)",
}
# The policies of realtime.messages call it as the user who joins.
POLICY_FUNCTIONS = {"tidewire.owns_topic(text)"}

FUNCTIONS = {
    "anon": POLICY_FUNCTIONS,
    "authenticated": CLIENT_FUNCTIONS | POLICY_FUNCTIONS,
    "service_role": WORKER_FUNCTIONS,
    "tidewire_worker": WORKER_FUNCTIONS,
}

OWNED_TABLES = {"flow_runs", "flow_threads", "flow_messages", "streaming_chunks"}
WORKER_TABLES = {
    "tidewire.flows",
    "tidewire.flow_versions",
    "tidewire.step_definitions",
    "tidewire.step_dependencies",
    "tidewire.workers",
    "tidewire.limits",
    "tidewire.stranded_runs",
    "tidewire.dead_letters",
}
TRUSTED = {(table, "SELECT") for table in OWNED_TABLES | {"flow_steps"} | WORKER_TABLES}

TABLES: dict[str, set[tuple[str, str]]] = {
    "anon": set(),
    "authenticated": {(table, "SELECT") for table in OWNED_TABLES},
    "service_role": TRUSTED,
    "tidewire_worker": TRUSTED,
}

# Columns granted one by one, where the table as a whole is not.
COLUMNS: dict[str, set[tuple[str, str, str]]] = {
    "anon": set(),
    "authenticated": {
        ("flow_steps", column, "SELECT")
        for column in (
            "run_id",
            "step_slug",
            "item_index",
            "status",
            "attempt",
            "max_attempts",
            "created_at",
            "ready_at",
            "available_at",
            "started_at",
            "finished_at",
        )
    },
    "service_role": {
        ("tidewire.limits", column, "UPDATE")
        for column in ("payload_bytes", "map_output_bytes", "map_items")
    },
    "tidewire_worker": set(),
}

SCHEMAS = {
    "anon": {("public", "USAGE"), ("tidewire", "USAGE")},
    "authenticated": {("public", "USAGE"), ("tidewire", "USAGE")},
    "service_role": {("public", "USAGE"), ("tidewire", "USAGE")},
    "tidewire_worker": {("public", "USAGE"), ("tidewire", "USAGE")},
}
