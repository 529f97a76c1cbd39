import type { SupabaseClient } from "@supabase/supabase-js";
import { type MessagePart, TidewireError } from "@tidewire/client";
import type { Question } from "./question.js";

/** A message as the thread keeps it. While `streaming`, its parts are in the log of its run. */
export interface ThreadMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly parts: readonly MessagePart[];
  readonly status: "complete" | "streaming" | "incomplete";
  readonly runId: string | null;
  /** Why an incomplete answer stopped, in words for its reader. */
  readonly problem: string | null;
}

interface MessageRow {
  readonly message_id: string;
  readonly role: "user" | "assistant";
  readonly parts: readonly MessagePart[];
  readonly status: ThreadMessage["status"];
  readonly run_id: string | null;
  readonly position: number;
}

/** The messages of a thread, oldest first, however few the server returns at once. */
export async function loadMessages(
  supabase: SupabaseClient,
  threadId: string,
  signal: AbortSignal,
): Promise<ThreadMessage[]> {
  const rows: MessageRow[] = [];
  for (;;) {
    const answer = await supabase
      .from("flow_messages")
      .select("message_id, role, parts, status, run_id, position")
      .eq("thread_id", threadId)
      .is("superseded_by", null)
      .gt("position", rows.at(-1)?.position ?? -1)
      .order("position", { ascending: true })
      .abortSignal(signal);
    if (answer.error) throw unread(answer);
    if (answer.data.length === 0) break;
    rows.push(...(answer.data as MessageRow[]));
  }
  const problems = rows.some((row) => row.status === "incomplete")
    ? await loadProblems(supabase, threadId, signal)
    : new Map<string, string>();
  return rows.map((row) => ({
    id: row.message_id,
    role: row.role,
    parts: row.parts,
    status: row.status,
    runId: row.run_id,
    problem: row.status === "incomplete" ? (problems.get(row.run_id ?? "") ?? null) : null,
  }));
}

async function loadProblems(
  supabase: SupabaseClient,
  threadId: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const answer = await supabase
    .from("flow_runs")
    .select("run_id, status, error")
    .eq("thread_id", threadId)
    .in("status", ["failed", "cancelled"])
    .abortSignal(signal);
  if (answer.error) throw unread(answer);
  const runs = answer.data as { run_id: string; status: string; error: string | null }[];
  return new Map(runs.map((run) => [run.run_id, run.error ?? run.status]));
}

function unread(answer: { status: number; error: { message: string } }): TidewireError {
  return new TidewireError("TW000", answer.status, answer.error.message, null);
}

/** The messages with a question that the server took, and its answer, if they lack it. */
export function withQuestion(
  before: readonly ThreadMessage[],
  question: Question,
  runId: string,
  messageId: string,
): readonly ThreadMessage[] {
  if (before.some((message) => message.id === question.id)) return before;
  const parts = [{ type: "text", text: question.text } as const];
  return [
    ...before,
    { id: question.id, role: "user", parts, status: "complete", runId, problem: null },
    { id: messageId, role: "assistant", parts: [], status: "streaming", runId, problem: null },
  ];
}

export function textOf(parts: readonly MessagePart[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}
