import { newId } from "./thread-id.js";

/** A question with the id it will be stored under, kept over reloads until the server has it. */
export interface Question {
  readonly id: string;
  readonly text: string;
}

const keyOf = (threadId: string) => `tidewire.question.${threadId}`;

/** What was typed in this thread and not yet sent, with an id that stays the same. */
export function recallQuestion(threadId: string): Question {
  const kept = sessionStorage.getItem(keyOf(threadId));
  return kept === null ? { id: newId(), text: "" } : (JSON.parse(kept) as Question);
}

/** Keeps what is typed. Another text is another message, so it gets another id. */
export function keepTyped(threadId: string, text: string): Question {
  const question = { id: newId(), text };
  keepQuestion(threadId, question);
  return question;
}

export function keepQuestion(threadId: string, question: Question): void {
  sessionStorage.setItem(keyOf(threadId), JSON.stringify(question));
}

/** Forgets a question that the server has, unless another was begun meanwhile. */
export function forgetQuestion(threadId: string, { id }: Question): void {
  if (recallQuestion(threadId).id === id) sessionStorage.removeItem(keyOf(threadId));
}
