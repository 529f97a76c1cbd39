import { describe, expect, test } from "vitest";
import type { Hint } from "../src/inbox.js";
import { type Channel, keepJoined, type Realtime } from "../src/run-channel.js";
import { listenToRun } from "../src/shared-channel.js";
import { microtasksDone, virtualClock } from "./virtual-clock.js";

type Status = Parameters<Parameters<Channel["subscribe"]>[0]>[0];

/** A Realtime client whose channels answer when the test says so. */
function scriptedRealtime(answers: Status[] = []) {
  const calls: string[] = [];
  const hearers: { status: (s: Status) => void; message: (m: { payload?: unknown }) => void }[] =
    [];
  const realtime: Realtime = {
    setAuth: async () => {
      calls.push("setAuth");
    },
    channel: (topic, options) => {
      calls.push(`channel ${topic} ${options.config.private}`);
      const hearer = { status: (_: Status) => undefined, message: (_: object) => undefined };
      hearers.push(hearer as (typeof hearers)[number]);
      const channel: Channel = {
        on: (_type, _filter, hear) => {
          (hearer as (typeof hearers)[number]).message = hear;
          return channel;
        },
        subscribe: (hear) => {
          calls.push("subscribe");
          (hearer as (typeof hearers)[number]).status = hear;
          const answer = answers.shift();
          if (answer) hear(answer);
        },
      };
      return channel;
    },
    removeChannel: async () => {
      calls.push("removeChannel");
    },
  };
  return { realtime, calls, hearers };
}

describe("the channel of a run", () => {
  test("is private, and its token is set before it is joined", async () => {
    const clock = virtualClock();
    const { realtime, calls } = scriptedRealtime(["SUBSCRIBED"]);
    const stop = new AbortController();
    const heard: Hint[] = [];
    clock.at(50, () => stop.abort());
    await clock.runUntil(
      keepJoined(realtime, "r1", (h) => heard.push(h), new EventTarget(), clock, stop.signal),
    );
    expect(calls).toEqual([
      "setAuth",
      "channel tidewire:run:r1 true",
      "subscribe",
      "removeChannel",
    ]);
    expect(heard).toEqual([{ type: "joined" }]);
  });

  test.each(["CLOSED", "CHANNEL_ERROR", "TIMED_OUT"] as const)(
    "is joined again with a fresh token after %s",
    async (status) => {
      const clock = virtualClock();
      const { realtime, calls, hearers } = scriptedRealtime(["SUBSCRIBED", "SUBSCRIBED"]);
      const stop = new AbortController();
      const heard: string[] = [];
      clock.at(100, () => hearers[0]?.status(status));
      clock.at(2000, () => stop.abort());
      await clock.runUntil(
        keepJoined(
          realtime,
          "r1",
          (h) => heard.push(h.type),
          new EventTarget(),
          clock,
          stop.signal,
        ),
      );
      expect(heard).toEqual(["joined", "left", "joined"]);
      expect(calls.filter((call) => call === "setAuth")).toHaveLength(2);
      expect(calls.filter((call) => call === "removeChannel")).toHaveLength(2);
    },
  );

  test("is tried for ever, ever more rarely, and at once when the page returns", async () => {
    const clock = virtualClock();
    const { realtime, calls } = scriptedRealtime(Array.from({ length: 30 }, () => "CHANNEL_ERROR"));
    const stop = new AbortController();
    const hurry = new EventTarget();
    const joins: number[] = [];
    const setAuth = realtime.setAuth;
    realtime.setAuth = () => {
      joins.push(clock.now());
      return setAuth();
    };
    clock.at(40_000, () => hurry.dispatchEvent(new Event("wake")));
    clock.at(60_000, () => stop.abort());
    await clock.runUntil(keepJoined(realtime, "r1", () => undefined, hurry, clock, stop.signal));
    expect(joins).toEqual([0, 500, 1500, 3500, 7500, 15_500, 30_500, 40_000, 55_000]);
    expect(calls.filter((call) => call === "removeChannel")).toHaveLength(joins.length);
  });

  test("that never answers is given up and joined again", async () => {
    const clock = virtualClock();
    const { realtime, calls } = scriptedRealtime();
    const stop = new AbortController();
    const heard: string[] = [];
    clock.at(20_000, () => stop.abort());
    await clock.runUntil(
      keepJoined(realtime, "r1", (h) => heard.push(h.type), new EventTarget(), clock, stop.signal),
    );
    expect(heard).toEqual(["left"]);
    expect(calls.filter((call) => call === "subscribe")).toHaveLength(2);
  });

  test("is not held up by a token that never comes", async () => {
    const clock = virtualClock();
    const { realtime, calls } = scriptedRealtime(["SUBSCRIBED"]);
    const stop = new AbortController();
    const setAuth = realtime.setAuth;
    realtime.setAuth = () => {
      realtime.setAuth = setAuth;
      return new Promise(() => undefined);
    };
    clock.at(20_000, () => stop.abort());
    await clock.runUntil(
      keepJoined(realtime, "r1", () => undefined, new EventTarget(), clock, stop.signal),
    );
    expect(calls).toContain("subscribe");
  });

  test("passes on messages about its run and ignores everything else", async () => {
    const clock = virtualClock();
    const { realtime, hearers } = scriptedRealtime(["SUBSCRIBED"]);
    const stop = new AbortController();
    const heard: Hint[] = [];
    clock.at(10, () => {
      const chunks = [{ type: "text-delta", id: "a.0", delta: "x" }];
      for (const payload of [
        { run_id: "r1", first_index: 4, chunks, id: "added by Realtime" },
        { run_id: "r1", first_index: 5, next_index: 9 },
        { run_id: "r2", first_index: 4, chunks },
        { run_id: "r1", first_index: "4", chunks },
        { run_id: "r1", first_index: 4 },
        null,
        "text",
      ]) {
        hearers[0]?.message({ payload });
      }
      stop.abort();
    });
    await clock.runUntil(
      keepJoined(realtime, "r1", (h) => heard.push(h), new EventTarget(), clock, stop.signal),
    );
    expect(heard.slice(1)).toMatchObject([
      { message: { firstIndex: 4, nextIndex: 5 } },
      { message: { firstIndex: 5, nextIndex: 9, chunks: null } },
    ]);
  });
});

describe("followers of one run in one client", () => {
  test("share one channel, and the last to stop leaves it", async () => {
    const clock = virtualClock();
    const { realtime, calls } = scriptedRealtime(["SUBSCRIBED"]);
    const heard: string[] = [];
    const stopFirst = listenToRun(realtime, "r1", clock, (h) => heard.push(`first ${h.type}`));
    await microtasksDone();
    const stopSecond = listenToRun(realtime, "r1", clock, (h) => heard.push(`second ${h.type}`));
    stopFirst();
    await microtasksDone();
    expect(calls.filter((call) => call === "subscribe")).toHaveLength(1);
    expect(calls).not.toContain("removeChannel");
    stopSecond();
    await microtasksDone();
    expect(calls.at(-1)).toBe("removeChannel");
    expect(heard).toEqual(["first joined", "second joined"]);
  });

  test("that stop and start at once never hold two channels", async () => {
    const clock = virtualClock();
    const { realtime, calls } = scriptedRealtime(["SUBSCRIBED", "SUBSCRIBED"]);
    const stopFirst = listenToRun(realtime, "r1", clock, () => undefined);
    await microtasksDone();
    stopFirst();
    const heard: string[] = [];
    const stopSecond = listenToRun(realtime, "r1", clock, (h) => heard.push(h.type));
    await microtasksDone();
    expect(calls.filter((call) => /channel|Channel/.test(call))).toEqual([
      "channel tidewire:run:r1 true",
      "removeChannel",
      "channel tidewire:run:r1 true",
    ]);
    expect(heard).toEqual(["joined"]);
    stopSecond();
    await microtasksDone();
  });
});
