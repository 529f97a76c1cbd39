import type { Clock } from "../src/clock.js";

/** Time that jumps to the next thing due as soon as nothing else can happen. */
export interface VirtualClock extends Clock {
  at(timeMs: number, act: () => void): void;
  /** Lets time pass until the promise settles; fails when it waits with nothing due. */
  runUntil<T>(promise: Promise<T>): Promise<T>;
}

export function virtualClock(): VirtualClock {
  let now = 0;
  let due: { at: number; act: () => void }[] = [];

  const schedule = (at: number, act: () => void) => {
    const timer = { at, act };
    due.push(timer);
    due.sort((a, b) => a.at - b.at);
    return () => {
      due = due.filter((other) => other !== timer);
    };
  };

  return {
    now: () => now,
    at: schedule,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const cancel = schedule(now + Math.max(0, delayMs), resolve);
        signal.addEventListener("abort", () => {
          cancel();
          resolve();
        });
      }),
    async runUntil(promise) {
      let settled = false;
      promise.then(
        () => {
          settled = true;
        },
        () => {
          settled = true;
        },
      );
      for (;;) {
        await microtasksDone();
        if (settled) return promise;
        const next = due.shift();
        if (next === undefined) throw new Error(`nothing is due after ${now} ms`);
        now = Math.max(now, next.at);
        next.act();
      }
    },
  };
}

/** Resolves when everything that can happen without time passing has happened. */
export function microtasksDone(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
