import type { FollowStatus } from "@tidewire/client";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { Connection } from "./connection.js";
import { forgetQuestion, keepTyped, type Question, recallQuestion } from "./question.js";

interface ComposerProps {
  readonly threadId: string;
  readonly busy: boolean;
  readonly stoppable: boolean;
  readonly following: FollowStatus | null;
  /** Answers whether the server took the question. */
  readonly onAsk: (question: Question) => Promise<boolean>;
  readonly onStop: () => void;
}

/** Where a question is typed. What is typed survives a reload, and so does its id. */
export function Composer(props: ComposerProps) {
  const { threadId, busy, stoppable, following, onAsk, onStop } = props;
  const [question, setQuestion] = useState(() => recallQuestion(threadId));
  const sendable = !busy && question.text.trim() !== "";

  function type(text: string): void {
    if (text === "") forgetQuestion(threadId, question);
    setQuestion(text === "" ? recallQuestion(threadId) : keepTyped(threadId, text));
  }

  async function submit(event: FormEvent | KeyboardEvent): Promise<void> {
    event.preventDefault();
    if (!sendable) return;
    setQuestion({ id: "", text: "" });
    // A question that was not taken comes back, with the id it was sent under.
    if (!(await onAsk(question))) setQuestion(recallQuestion(threadId));
  }

  return (
    <form className="composer" onSubmit={(event) => void submit(event)}>
      <label className="unseen" htmlFor="question">
        Your question
      </label>
      <div className="field" data-text={question.text}>
        <textarea
          id="question"
          data-testid="question"
          rows={1}
          placeholder="Ask a question"
          value={question.text}
          onChange={(event) => type(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
              void submit(event);
            }
          }}
        />
      </div>
      {stoppable ? (
        <button type="button" className="quiet" data-testid="stop" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button type="submit" data-testid="ask" disabled={!sendable}>
          Ask
        </button>
      )}
      <Connection following={following} />
    </form>
  );
}
