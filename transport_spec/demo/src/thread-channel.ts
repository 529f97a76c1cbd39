import type { SupabaseClient } from "@supabase/supabase-js";
import { type Alarm, createAlarm } from "./alarm.js";
import { whenPageReturns } from "./page-return.js";
import { delayAfter } from "./patience.js";

/** When the channel of a topic is left for good: joined before that, it would be left as well. */
const departures = new Map<string, Promise<void>>();

/**
 * Calls back when a thread has a new turn, and each time its channel is joined, since nothing
 * announces what happened before. Returns how to stop.
 */
export function listenToThread(
  supabase: SupabaseClient,
  userId: string,
  threadId: string,
  changed: () => void,
): () => void {
  const topic = `tidewire:thread:${userId}:${threadId}`;
  const leaving = new AbortController();
  const alarm = createAlarm();
  const stopWaking = whenPageReturns(alarm.ring);
  leaving.signal.addEventListener("abort", alarm.ring);
  const departure = (departures.get(topic) ?? Promise.resolve()).then(() =>
    keepJoined(supabase, topic, changed, alarm, leaving.signal),
  );
  departures.set(topic, departure);
  return () => {
    stopWaking();
    leaving.abort();
    void departure.then(() => {
      if (departures.get(topic) === departure) departures.delete(topic);
    });
  };
}

/** Joins again whenever the channel fails: Realtime closes it when its token expires. */
async function keepJoined(
  supabase: SupabaseClient,
  topic: string,
  changed: () => void,
  alarm: Alarm,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    const joined = await joinOnce(supabase, topic, changed, signal);
    failures = joined ? 1 : failures + 1;
    if (!signal.aborted) await alarm.sleep(delayAfter(failures));
  }
}

/** Stays joined until the channel fails or the signal aborts; answers whether it ever was. */
async function joinOnce(
  supabase: SupabaseClient,
  topic: string,
  changed: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    // Without this a join right after sign-in goes out without a token and is refused.
    await supabase.realtime.setAuth();
  } catch {
    return false;
  }
  if (signal.aborted) return false;
  let joined = false;
  const channel = supabase
    .channel(topic, { config: { private: true } })
    .on("broadcast", { event: "thread" }, changed);
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    channel.subscribe((status) => {
      if (signal.aborted) return;
      if (status !== "SUBSCRIBED") return resolve();
      joined = true;
      changed();
    });
  });
  await supabase.removeChannel(channel).catch(() => undefined);
  return joined;
}
