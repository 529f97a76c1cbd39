import type { Clock } from "./clock.js";
import type { LiveMessage } from "./live-message.js";

/** What the outside tells a reader. Only a message carries data, and none of it is trusted to be complete. */
export type Hint =
  | { readonly type: "message"; readonly message: LiveMessage }
  | { readonly type: "joined" }
  | { readonly type: "left"; readonly reason: string }
  | { readonly type: "wake" };

/** Keeps hints in order until the reader asks. */
export interface Inbox {
  put(hint: Hint): void;
  /** The oldest hint, or null when none came within the delay or the signal aborted. */
  take(delayMs: number, signal: AbortSignal): Promise<Hint | null>;
}

/** Messages kept for a reader that is busy; beyond it the table is the cheaper way to catch up. */
const MESSAGES_KEPT = 1000;

export function createInbox(clock: Clock): Inbox {
  let hints: Hint[] = [];
  let messageCount = 0;
  let arrived: (() => void) | null = null;

  const shift = (): Hint | null => {
    const hint = hints.shift() ?? null;
    if (hint?.type === "message") messageCount -= 1;
    return hint;
  };

  return {
    put(hint) {
      if (hint.type === "message" && ++messageCount > MESSAGES_KEPT) {
        hints = hints.filter((kept) => kept.type !== "message");
        hints.push({ type: "wake" });
        messageCount = 0;
      } else {
        hints.push(hint);
      }
      arrived?.();
    },
    async take(delayMs, signal) {
      if (hints.length === 0 && delayMs > 0 && !signal.aborted) {
        const waiting = new AbortController();
        const stop = () => waiting.abort();
        arrived = stop;
        signal.addEventListener("abort", stop);
        await clock.sleep(delayMs, waiting.signal);
        signal.removeEventListener("abort", stop);
        arrived = null;
      }
      return shift();
    },
  };
}
