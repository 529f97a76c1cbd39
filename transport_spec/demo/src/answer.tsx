import type { SupabaseClient } from "@supabase/supabase-js";
import { type FollowStatus, LogPurgedError } from "@tidewire/client";
import { useEffect } from "react";
import { Markdown } from "./markdown.js";
import { Notice } from "./notice.js";
import { stepsOf } from "./progress.js";
import { Sources, sourcesOf } from "./sources.js";
import { Steps } from "./steps.js";
import type { ThreadMessage } from "./thread-messages.js";
import { isTimeout, type RunView, useRun } from "./use-run.js";

interface AnswerProps {
  readonly supabase: SupabaseClient;
  readonly stored: ThreadMessage;
  readonly onFollowing: (runId: string, status: FollowStatus | null) => void;
  readonly onEnded: (runId: string) => void;
  readonly onPurged: () => void;
  readonly onAskAgain: (() => void) | null;
}

/** An answer: from the thread when it is kept there, from the log of its run while it streams. */
export function Answer(props: AnswerProps) {
  const { supabase, stored, onFollowing, onEnded, onPurged, onAskAgain } = props;
  const liveRunId = stored.status === "streaming" ? stored.runId : null;
  const { view, again } = useRun(supabase, liveRunId);
  const { ended, failure, following } = view;

  useEffect(() => {
    if (liveRunId === null) return;
    onFollowing(liveRunId, failure === null ? following : null);
    if (ended) onEnded(liveRunId);
    if (failure instanceof LogPurgedError) onPurged();
  }, [liveRunId, following, ended, failure, onFollowing, onEnded, onPurged]);

  const shown = liveRunId === null ? stored : view.message;
  const sources = sourcesOf(shown.parts);
  const sourcePrefix = `source-${stored.id}-`;
  const streaming = shown.status === "streaming" && failure === null;
  return (
    <article className="answer" aria-label="Answer">
      <Steps steps={liveRunId === null ? stepsOf(stored.parts) : view.steps} running={streaming} />
      <div
        className="text"
        data-testid="answer"
        data-run-id={stored.runId}
        data-message-id={stored.id}
        data-status={shown.status}
        aria-live="polite"
        aria-busy={streaming}
      >
        {shown.parts.map((part, place) =>
          part.type === "text" ? (
            <Markdown
              // Parts have no other identity.
              key={place}
              text={part.text}
              sourceCount={sources.length}
              sourcePrefix={sourcePrefix}
            />
          ) : null,
        )}
      </div>
      <Sources sources={sources} prefix={sourcePrefix} open={shown.status === "complete"} />
      <Ending
        problem={shown.status === "incomplete" ? wordsFor(shown.problem) : null}
        failure={failure}
        onAgain={again}
        onAskAgain={onAskAgain}
      />
    </article>
  );
}

function wordsFor(problem: string | null): string {
  if (problem === null) return "This answer is incomplete.";
  return problem === "cancelled" ? "This answer was stopped." : problem;
}

interface EndingProps {
  readonly problem: string | null;
  readonly failure: RunView["failure"];
  readonly onAgain: () => void;
  readonly onAskAgain: (() => void) | null;
}

function Ending({ problem, failure, onAgain, onAskAgain }: EndingProps) {
  if (failure !== null) {
    const words = isTimeout(failure)
      ? "Nothing has happened for a while and nobody works on this answer. What arrived so far is above."
      : failure.message;
    return (
      <Notice kind="error" action="Try again" onAction={onAgain}>
        {words}
      </Notice>
    );
  }
  if (problem === null) return null;
  const offer = onAskAgain === null ? {} : { action: "Ask again", onAction: onAskAgain };
  return (
    <Notice kind="info" {...offer}>
      {problem}
    </Notice>
  );
}
