import type { SupabaseClient } from "@supabase/supabase-js";
import { cancelRun, type FollowStatus } from "@tidewire/client";
import { useCallback, useState } from "react";
import { Answer } from "./answer.js";
import { Composer } from "./composer.js";
import { Notice } from "./notice.js";
import { newId } from "./thread-id.js";
import { type ThreadMessage, textOf } from "./thread-messages.js";
import { useStayAtEnd } from "./use-stay-at-end.js";
import { useThread } from "./use-thread.js";

interface ConversationProps {
  readonly supabase: SupabaseClient;
  readonly userId: string;
  readonly threadId: string;
}

export function Conversation({ supabase, userId, threadId }: ConversationProps) {
  const thread = useThread(supabase, userId, threadId);
  const [following, setFollowing] = useState<Readonly<Record<string, FollowStatus | null>>>({});
  const [stopProblem, setStopProblem] = useState<string | null>(null);
  const { activeRunId, messages, sending } = thread;
  const list = useStayAtEnd<HTMLOListElement>(sending?.id ?? null);

  const noteFollowing = useCallback(
    (runId: string, status: FollowStatus | null) =>
      setFollowing((before) => ({ ...before, [runId]: status })),
    [],
  );

  const stop = useCallback(async () => {
    if (activeRunId === null) return;
    setStopProblem(null);
    await cancelRun(supabase, activeRunId).catch((error: Error) => setStopProblem(error.message));
  }, [supabase, activeRunId]);

  const problem = stopProblem ?? thread.problem;
  return (
    <main className="conversation">
      <ol className="messages" ref={list} aria-busy={messages === null}>
        {messages?.map((message, place) => (
          <li key={message.id}>
            {message.role === "user" ? (
              <QuestionView text={textOf(message.parts)} />
            ) : (
              <Answer
                supabase={supabase}
                stored={message}
                onFollowing={noteFollowing}
                onEnded={thread.ended}
                onPurged={thread.reload}
                onAskAgain={askAgain(messages, place, thread)}
              />
            )}
          </li>
        ))}
        {sending && (
          <li>
            <QuestionView text={sending.text} pending />
            <p className="unsent" role="status" data-testid="unsent">
              {thread.unanswered && "Not sent yet. Trying again…"}
            </p>
          </li>
        )}
      </ol>
      {messages?.length === 0 && sending === null && (
        <Welcome onPick={(question) => void thread.ask(question)} />
      )}
      <footer>
        {problem !== null && <Notice kind="error">{problem}</Notice>}
        <Composer
          threadId={threadId}
          busy={activeRunId !== null || sending !== null || messages === null}
          stoppable={activeRunId !== null}
          following={activeRunId === null ? null : (following[activeRunId] ?? null)}
          onAsk={thread.ask}
          onStop={() => void stop()}
        />
      </footer>
    </main>
  );
}

type Asking = Pick<ReturnType<typeof useThread>, "ask" | "activeRunId">;

/** Asks the question before an answer again, as a new message; not while another is answered. */
function askAgain(messages: readonly ThreadMessage[], place: number, thread: Asking) {
  const question = messages[place - 1];
  if (question?.role !== "user" || thread.activeRunId !== null) return null;
  return () => void thread.ask({ id: newId(), text: textOf(question.parts) });
}

function QuestionView({ text, pending = false }: { text: string; pending?: boolean }) {
  return (
    <div className={pending ? "asked pending" : "asked"} data-testid="asked">
      {text}
    </div>
  );
}

/** What the knowledge base of the example, Python's own reference, can answer. */
const SUGGESTIONS = [
  "How does the with statement work?",
  "What happens when an exception is not caught?",
  "How do I format a string?",
];

function Welcome({ onPick }: { readonly onPick: (q: { id: string; text: string }) => void }) {
  return (
    <section className="welcome">
      <h1>What would you like to know?</h1>
      <p className="lead">
        Every question searches, ranks and reads before it answers. You see each step as it happens.
      </p>
      <ul>
        {SUGGESTIONS.map((text) => (
          <li key={text}>
            <button type="button" onClick={() => onPick({ id: newId(), text })}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
