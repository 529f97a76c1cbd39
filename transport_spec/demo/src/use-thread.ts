import type { SupabaseClient } from "@supabase/supabase-js";
import { sendMessage, TidewireError } from "@tidewire/client";
import { useCallback, useEffect, useState } from "react";
import { forgetQuestion, keepQuestion, type Question } from "./question.js";
import { loadMessages, type ThreadMessage } from "./thread-messages.js";

const FLOW = "research_chat";
const PATIENCE_MS = [500, 1_000, 2_000, 4_000, 8_000];

export interface Thread {
  /** Null until the messages were read for the first time. */
  readonly messages: readonly ThreadMessage[] | null;
  /** A question on its way to the server, not yet part of the thread. */
  readonly sending: Question | null;
  readonly problem: string | null;
  /** The run that answers at present; null when the thread is free. */
  readonly activeRunId: string | null;
  /** Sends a question; answers whether the server took it. */
  ask(question: Question): Promise<boolean>;
  reload(): void;
  /** Says that a run has ended, so that the thread is free again. */
  ended(runId: string): void;
}

export function useThread(supabase: SupabaseClient, threadId: string): Thread {
  const [messages, setMessages] = useState<readonly ThreadMessage[] | null>(null);
  const [sending, setSending] = useState<Question | null>(null);
  const [loadProblem, setLoadProblem] = useState<string | null>(null);
  const [askProblem, setAskProblem] = useState<string | null>(null);
  const [endedRuns, setEndedRuns] = useState<ReadonlySet<string>>(new Set());
  const [loads, setLoads] = useState(0);
  const reload = useCallback(() => setLoads((count) => count + 1), []);
  const ended = useCallback(
    (runId: string) => setEndedRuns((runs) => new Set(runs).add(runId)),
    [],
  );

  // `loads` asks for another reading.
  useEffect(() => {
    const leaving = new AbortController();
    const load = async () => {
      const read = await untilAnswered(
        () => loadMessages(supabase, threadId, leaving.signal),
        (reason) => setLoadProblem(reason),
        leaving.signal,
      );
      setLoadProblem(null);
      setMessages(read);
    };
    load().catch((error: unknown) => {
      if (!leaving.signal.aborted) setLoadProblem(messageOf(error));
    });
    return () => leaving.abort();
  }, [supabase, threadId, loads]);

  const ask = useCallback(
    async (question: Question) => {
      keepQuestion(threadId, question);
      setSending(question);
      setAskProblem(null);
      try {
        const { runId, messageId } = await send(supabase, threadId, question);
        forgetQuestion(threadId, question);
        setMessages((before) => withQuestion(before ?? [], question, runId, messageId));
        return true;
      } catch (error) {
        setAskProblem(messageOf(error));
        if (error instanceof TidewireError && error.code === "TW005") reload();
        return false;
      } finally {
        setSending(null);
      }
    },
    [supabase, threadId, reload],
  );

  const active = messages?.findLast(
    (m) => m.status === "streaming" && m.runId !== null && !endedRuns.has(m.runId),
  );
  return {
    messages,
    sending,
    problem: askProblem ?? loadProblem,
    activeRunId: active?.runId ?? null,
    ask,
    reload,
    ended,
  };
}

/** Sends a question until the server answers. Its id makes sending it again harmless. */
async function send(supabase: SupabaseClient, threadId: string, { id, text }: Question) {
  const message = { id, role: "user", parts: [{ type: "text", text }] } as const;
  for (const delayMs of PATIENCE_MS) {
    try {
      return await sendMessage(supabase, threadId, message, FLOW);
    } catch (error) {
      const unanswered =
        error instanceof TidewireError && (error.status === 0 || error.status >= 500);
      if (!unanswered) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
  return sendMessage(supabase, threadId, message, FLOW);
}

function withQuestion(
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

async function untilAnswered<T>(
  read: () => Promise<T>,
  failed: (reason: string) => void,
  signal: AbortSignal,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const result = await read();
      signal.throwIfAborted();
      return result;
    } catch (error) {
      signal.throwIfAborted();
      failed(`${messageOf(error)} Trying again…`);
      const delayMs = PATIENCE_MS[Math.min(attempt, PATIENCE_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      signal.throwIfAborted();
    }
  }
}

function messageOf(error: unknown): string {
  if (error instanceof TidewireError && error.status === 0) {
    return "The server cannot be reached at present.";
  }
  if (error instanceof TidewireError && error.code === "TW005") {
    return "This thread is answering another question. Ask again when it has finished.";
  }
  return error instanceof Error ? error.message : String(error);
}
