import type { SupabaseClient } from "@supabase/supabase-js";
import { TidewireError } from "@tidewire/client";
import { useCallback, useEffect, useRef, useState } from "react";
import { keepRead } from "./keep-read.js";
import { whenPageReturns } from "./page-return.js";
import { forgetQuestion, keepQuestion, type Question } from "./question.js";
import { sendQuestion } from "./send-question.js";
import { listenToThread } from "./thread-channel.js";
import { loadMessages, type ThreadMessage, withQuestion } from "./thread-messages.js";

export interface Thread {
  /** Null until the messages were read for the first time. */
  readonly messages: readonly ThreadMessage[] | null;
  /** A question on its way to the server, not yet part of the thread. */
  readonly sending: Question | null;
  /** Whether the server did not answer when that question was sent, and it is being sent again. */
  readonly unanswered: boolean;
  readonly problem: string | null;
  /** The run that answers at present; null when the thread is free. */
  readonly activeRunId: string | null;
  /** Sends a question; answers whether the server took it. */
  ask(question: Question): Promise<boolean>;
  reload(): void;
  /** Says that a run has ended, so that the thread is free again. */
  ended(runId: string): void;
}

export function useThread(supabase: SupabaseClient, userId: string, threadId: string): Thread {
  const { messages, setMessages, problem, reload } = useMessages(supabase, userId, threadId);
  const [sending, setSending] = useState<Question | null>(null);
  const [unanswered, setUnanswered] = useState(false);
  const [askProblem, setAskProblem] = useState<string | null>(null);
  const [endedRuns, setEndedRuns] = useState<ReadonlySet<string>>(new Set());
  const ended = useCallback(
    (runId: string) => setEndedRuns((runs) => new Set(runs).add(runId)),
    [],
  );

  const ask = useCallback(
    async (question: Question) => {
      keepQuestion(threadId, question);
      setSending(question);
      setUnanswered(false);
      setAskProblem(null);
      try {
        const again = () => setUnanswered(true);
        const { runId, messageId } = await sendQuestion(supabase, threadId, question, again);
        forgetQuestion(threadId, question);
        setMessages((before) => withQuestion(before ?? [], question, runId, messageId));
        // Another tab may have asked before it.
        reload();
        return true;
      } catch (error) {
        setAskProblem(messageOf(error));
        if (error instanceof TidewireError && error.code === "TW005") reload();
        return false;
      } finally {
        setSending(null);
      }
    },
    [supabase, threadId, setMessages, reload],
  );

  const active = messages?.findLast(
    (m) => m.status === "streaming" && m.runId !== null && !endedRuns.has(m.runId),
  );
  return {
    messages,
    // The thread may tell of a question before the answer to sending it arrives.
    sending: messages?.some((message) => message.id === sending?.id) ? null : sending,
    unanswered,
    problem: askProblem ?? problem,
    activeRunId: active?.runId ?? null,
    ask,
    reload,
    ended,
  };
}

/** The thread's messages, read again whenever they may have changed, whoever changed them. */
function useMessages(supabase: SupabaseClient, userId: string, threadId: string) {
  const [messages, setMessages] = useState<readonly ThreadMessage[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const refresh = useRef(() => {});

  useEffect(() => {
    const leaving = new AbortController();
    // What is shown already stays good when a single reading fails.
    let patience = 0;
    const reader = {
      read: (signal: AbortSignal) => loadMessages(supabase, threadId, signal),
      show: (read: readonly ThreadMessage[]) => {
        patience = 1;
        setProblem(null);
        setMessages(read);
      },
      failed: (error: unknown, failures: number) => {
        if (failures > patience) setProblem(`${messageOf(error)} Trying again…`);
      },
    };
    refresh.current = keepRead(reader, leaving.signal);
    const stopListening = listenToThread(supabase, userId, threadId, refresh.current);
    const stopWaking = whenPageReturns(refresh.current);
    return () => {
      stopWaking();
      stopListening();
      leaving.abort();
    };
  }, [supabase, userId, threadId]);

  const reload = useCallback(() => refresh.current(), []);
  return { messages, setMessages, problem, reload };
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
