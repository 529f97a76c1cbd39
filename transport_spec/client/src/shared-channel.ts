import type { Clock } from "./clock.js";
import type { Hint } from "./inbox.js";
import { keepJoined, type Realtime } from "./run-channel.js";

interface SharedChannel {
  readonly listeners: Set<(hint: Hint) => void>;
  readonly hurry: EventTarget;
  readonly stopping: AbortController;
  joined: boolean;
  stopped: Promise<void>;
}

/** A connection holds one channel a topic: a second join would close the first. */
const channels = new WeakMap<Realtime, Map<string, SharedChannel>>();

/**
 * Listens to a run on a channel that all followers of this client share. The first one joins it,
 * the last one to stop leaves it.
 */
export function listenToRun(
  realtime: Realtime,
  runId: string,
  clock: Clock,
  hear: (hint: Hint) => void,
): () => void {
  const byRun = channels.get(realtime) ?? new Map<string, SharedChannel>();
  channels.set(realtime, byRun);
  let shared = byRun.get(runId);
  if (shared === undefined || shared.stopping.signal.aborted) {
    shared = open(realtime, runId, clock, shared?.stopped ?? Promise.resolve());
    byRun.set(runId, shared);
  }
  const mine = shared;
  mine.listeners.add(hear);
  if (mine.joined) hear({ type: "joined" });
  const stopWakeups = onPageReturn(() => {
    hear({ type: "wake" });
    mine.hurry.dispatchEvent(new Event("wake"));
  });
  return () => {
    stopWakeups();
    mine.listeners.delete(hear);
    if (mine.listeners.size > 0) return;
    mine.stopping.abort();
    void mine.stopped.then(() => {
      if (byRun.get(runId) === mine) byRun.delete(runId);
    });
  };
}

function open(
  realtime: Realtime,
  runId: string,
  clock: Clock,
  previous: Promise<void>,
): SharedChannel {
  const shared: SharedChannel = {
    listeners: new Set(),
    hurry: new EventTarget(),
    stopping: new AbortController(),
    joined: false,
    stopped: previous,
  };
  const tell = (hint: Hint) => {
    if (hint.type === "joined") shared.joined = true;
    if (hint.type === "left") shared.joined = false;
    for (const listener of shared.listeners) listener(hint);
  };
  const { signal } = shared.stopping;
  shared.stopped = previous.then(() =>
    keepJoined(realtime, runId, tell, shared.hurry, clock, signal),
  );
  return shared;
}

/** Calls back when the network or the page returns. Outside a browser it never does. */
function onPageReturn(wake: () => void): () => void {
  if (typeof window === "undefined" || typeof document === "undefined") return () => undefined;
  const wakeIfVisible = () => {
    if (document.visibilityState === "visible") wake();
  };
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", wakeIfVisible);
  return () => {
    window.removeEventListener("online", wake);
    window.removeEventListener("pageshow", wake);
    document.removeEventListener("visibilitychange", wakeIfVisible);
  };
}
