import { expect, test } from "vitest";
import type { LogChunk } from "../src/chunk.js";
import { StreamTimeoutError } from "../src/errors.js";
import { type FollowRunOptions, followRun, type RunEvent } from "../src/follow-run.js";
import { applyEntry, emptyMessage } from "../src/message.js";
import type { Supabase } from "../src/supabase.js";
import { delta, finish } from "./simulated-run.js";
import { virtualClock } from "./virtual-clock.js";

/** A client whose Realtime server never answers, so that the table is all there is. */
const unreachable = {
  realtime: { setAuth: () => new Promise<void>(() => undefined) },
} as unknown as Supabase;

function follow(log: readonly LogChunk[], options: FollowRunOptions = {}) {
  const clock = virtualClock();
  const events: RunEvent[] = [];
  const readPage = async (after: number) => ({
    entries: log
      .map((chunk, index) => ({ index, firstIndex: index, chunk }))
      .filter((entry) => entry.index > after),
    more: false,
    head: log.length - 1,
    status: "running" as const,
    leaseLive: false,
    waitingFor: [],
    purged: false,
  });
  const collect = async () => {
    for await (const event of followRun(unreachable, "r1", { clock, readPage, ...options })) {
      events.push(event);
    }
  };
  const messages = () => events.flatMap((e) => (e.type === "status" ? [] : [e.message]));
  return { done: clock.runUntil(collect()), messages };
}

const start: LogChunk = { type: "start", messageId: "m1" };

test("each entry comes with the message it adds up to", async () => {
  const { done, messages } = follow([start, delta("a"), delta("b"), finish]);
  await done;
  expect(messages().at(-1)).toMatchObject({
    id: "m1",
    status: "complete",
    parts: [{ text: "ab" }],
  });
});

test("a reader that kept its message goes on with it", async () => {
  const log = [start, delta("a"), delta("b"), finish];
  const message = log.slice(0, 2).reduce((m, chunk) => applyEntry(m, { chunk }), emptyMessage);
  const { done, messages } = follow(log, { after: 1, message });
  await done;
  expect(messages().at(-1)).toMatchObject({ id: "m1", parts: [{ text: "ab" }] });
});

test("a timeout carries the partial message and the cursor to go on from", async () => {
  const { done } = follow([start, delta("half")]);
  const error = await done.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StreamTimeoutError);
  expect(error).toMatchObject({ cursor: 1, partial: { id: "m1", parts: [{ text: "half" }] } });
});

test("a log that starts again empties the message first", async () => {
  const stale = applyEntry(emptyMessage, { chunk: delta("from before") });
  const { done, messages } = follow([start, delta("new"), finish], { after: 9, message: stale });
  await done;
  expect(messages()[0]).toEqual(emptyMessage);
  expect(messages().at(-1)).toMatchObject({ parts: [{ text: "new" }] });
});
