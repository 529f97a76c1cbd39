import type { LogEntry } from "./chunk.js";
import { type Clock, systemClock } from "./clock.js";
import { StreamTimeoutError } from "./errors.js";
import { followLog } from "./follow-log.js";
import { defaultLimits, type FollowLimits, type FollowStatus } from "./follow-status.js";
import type { ReadPage } from "./log-page.js";
import { applyEntry, emptyMessage, type RunMessage } from "./message.js";
import { logReader } from "./read-log.js";
import type { Realtime } from "./run-channel.js";
import { listenToRun } from "./shared-channel.js";
import type { Supabase } from "./supabase.js";

export type RunEvent =
  /** One more entry, and the message with it applied. */
  | { readonly type: "entry"; readonly entry: LogEntry; readonly message: RunMessage }
  /** The log starts again: the message is empty once more. */
  | { readonly type: "reset"; readonly message: RunMessage }
  | { readonly type: "status"; readonly status: FollowStatus };

export interface FollowRunOptions {
  /** The last chunk index already handled; -1 (the default) replays the log from its beginning. */
  readonly after?: number;
  /** The message that belongs to `after`. Without it, events carry what came after the cursor. */
  readonly message?: RunMessage;
  readonly limits?: Partial<FollowLimits>;
  /** How pages are read; the RPC `read_log` unless told otherwise. */
  readonly readPage?: ReadPage;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Follows a run from a cursor to its end, over reloads, lost connections and expired tokens.
 *
 * Stopping early (a `break`, an aborted signal) leaves the run as it is: only `cancelRun` ends it.
 * Throws `StreamTimeoutError` with the partial message when nothing moves and nothing is awaited;
 * following again after its cursor is safe.
 */
export async function* followRun(
  supabase: Supabase,
  runId: string,
  options: FollowRunOptions = {},
): AsyncGenerator<RunEvent, void, undefined> {
  const clock = options.clock ?? systemClock;
  const io = {
    clock,
    readPage: options.readPage ?? logReader(supabase, runId),
    listen: (hear: Parameters<typeof listenToRun>[3]) =>
      listenToRun(supabase.realtime as unknown as Realtime, runId, clock, hear),
  };
  const limits = { ...defaultLimits, ...options.limits };
  const signal = options.signal ?? new AbortController().signal;
  let message = options.message ?? emptyMessage;
  try {
    for await (const event of followLog(io, options.after ?? -1, limits, signal)) {
      if (event.type === "entry") {
        message = applyEntry(message, event.entry);
        yield { ...event, message };
      } else if (event.type === "reset") {
        message = emptyMessage;
        yield { ...event, message };
      } else {
        yield event;
      }
    }
  } catch (error) {
    if (error instanceof StreamTimeoutError) throw new StreamTimeoutError(error.cursor, message);
    throw error;
  }
}
