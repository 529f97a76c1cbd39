import { backoffDelay, type Clock } from "./clock.js";
import type { Hint } from "./inbox.js";
import { parseLiveMessage } from "./live-message.js";

type JoinStatus = "SUBSCRIBED" | "CLOSED" | "CHANNEL_ERROR" | "TIMED_OUT";

/** What is used of a Realtime channel. */
export interface Channel {
  on(
    type: "broadcast",
    filter: { event: "chunks" },
    hear: (message: { payload?: unknown }) => void,
  ): Channel;
  subscribe(hear: (status: JoinStatus, error?: Error) => void): unknown;
}

/** What is used of the Realtime client of supabase-js. */
export interface Realtime {
  setAuth(): Promise<void>;
  channel(topic: string, options: { config: { private: true } }): Channel;
  removeChannel(channel: Channel): Promise<unknown>;
}

/** How long a join may take; the library's own limit does not cover a socket that never opens. */
const JOIN_TIMEOUT_MS = 12_000;

/**
 * Keeps the private channel of a run joined until the signal aborts, and passes on what it hears.
 *
 * A channel that closes or fails is left, and joined again with a fresh token after a backoff, for
 * ever: Realtime closes it when its token expires and does not come back by itself. `hurry` (the
 * network returned, the page is shown again) cuts the backoff short.
 */
export async function keepJoined(
  realtime: Realtime,
  runId: string,
  hear: (hint: Hint) => void,
  hurry: EventTarget,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const { joined, reason } = await joinOnce(realtime, runId, hear, clock, signal);
    if (signal.aborted) return;
    hear({ type: "left", reason });
    failures = joined ? 1 : failures + 1;
    await sleepUnlessHurried(backoffDelay(failures, 500, 15_000), hurry, clock, signal);
  }
}

/** Joins and stays until the channel fails; tells whether it was ever joined, and why it ended. */
async function joinOnce(
  realtime: Realtime,
  runId: string,
  hear: (hint: Hint) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ joined: boolean; reason: string }> {
  const leaving = new AbortController();
  let joined = false;
  let reason = "the join was not answered in time";
  let channel: Channel | null = null;
  const leave = (why: string) => {
    reason = why;
    leaving.abort();
  };
  const stop = () => leave("stopped");
  const hearStatus = (status: JoinStatus, error?: Error) => {
    if (leaving.signal.aborted) return;
    if (status !== "SUBSCRIBED") return leave(error ? `${status}: ${error.message}` : status);
    joined = true;
    hear({ type: "joined" });
  };
  const join = async () => {
    // Without this a join right after sign-in goes out without a token and is refused.
    await realtime.setAuth();
    if (leaving.signal.aborted) return;
    channel = openChannel(realtime, runId, (hint) => {
      if (!leaving.signal.aborted) hear(hint);
    });
    channel.subscribe(hearStatus);
  };
  signal.addEventListener("abort", stop);
  const left = aborted(leaving.signal);
  join().catch((error: unknown) => leave(error instanceof Error ? error.message : String(error)));
  await clock.sleep(JOIN_TIMEOUT_MS, leaving.signal);
  if (joined) await left;
  leaving.abort();
  signal.removeEventListener("abort", stop);
  if (channel !== null) await realtime.removeChannel(channel).catch(() => undefined);
  return { joined, reason };
}

function openChannel(realtime: Realtime, runId: string, hear: (hint: Hint) => void): Channel {
  return realtime
    .channel(`tidewire:run:${runId}`, { config: { private: true } })
    .on("broadcast", { event: "chunks" }, ({ payload }) => {
      const message = parseLiveMessage(payload, runId);
      if (message !== null) hear({ type: "message", message });
    });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function sleepUnlessHurried(
  delayMs: number,
  hurry: EventTarget,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const sleeping = new AbortController();
  const wake = () => sleeping.abort();
  hurry.addEventListener("wake", wake);
  signal.addEventListener("abort", wake);
  if (signal.aborted) wake();
  await clock.sleep(delayMs, sleeping.signal);
  hurry.removeEventListener("wake", wake);
  signal.removeEventListener("abort", wake);
}
