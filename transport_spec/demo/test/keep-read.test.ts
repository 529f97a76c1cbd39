import { expect, test } from "vitest";
import { keepRead } from "../src/keep-read.js";

interface Answer<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Promises by number, each made when first spoken of. */
function answersByNumber<T>(): (place: number) => Answer<T> {
  const made = new Map<number, Answer<T>>();
  return (place) => {
    let answer = made.get(place);
    if (answer === undefined) {
      let resolve: Answer<T>["resolve"] | undefined;
      let reject: Answer<T>["reject"] | undefined;
      const promise = new Promise<T>((yes, no) => {
        resolve = yes;
        reject = no;
      });
      answer = { promise, resolve: resolve!, reject: reject! };
      made.set(place, answer);
    }
    return answer;
  };
}

/** A reader whose readings the test answers, one after the other. */
function simulatedReader() {
  const shown: string[] = [];
  const failures: number[] = [];
  const answer = answersByNumber<string>();
  const begun = answersByNumber<void>();
  let readings = 0;
  return {
    shown,
    failures,
    readings: () => readings,
    begun: (place: number) => begun(place).promise,
    answer,
    reader: {
      read: () => {
        begun(readings).resolve();
        return answer(readings++).promise;
      },
      show: (result: string) => shown.push(result),
      failed: (_error: unknown, count: number) => failures.push(count),
    },
  };
}

test("a reading that was overtaken by a call is not shown over what stands there", async () => {
  const simulated = simulatedReader();
  const leaving = new AbortController();
  const refresh = keepRead(simulated.reader, leaving.signal);
  simulated.answer(0).resolve("first");
  await simulated.answer(0).promise;
  refresh();
  await simulated.begun(1);
  refresh();
  refresh();
  simulated.answer(1).resolve("overtaken");
  await simulated.begun(2);
  simulated.answer(2).resolve("newest");
  await simulated.answer(2).promise;
  leaving.abort();

  expect(simulated.shown).toEqual(["first", "newest"]);
  expect(simulated.readings()).toBe(3);
});

test("the first reading is shown even when it was overtaken", async () => {
  const simulated = simulatedReader();
  const leaving = new AbortController();
  const refresh = keepRead(simulated.reader, leaving.signal);
  refresh();
  simulated.answer(0).resolve("first");
  await simulated.begun(1);
  leaving.abort();

  expect(simulated.shown).toEqual(["first"]);
});

test("a call ends the wait after a failed reading", async () => {
  const simulated = simulatedReader();
  const leaving = new AbortController();
  const refresh = keepRead(simulated.reader, leaving.signal);
  simulated.answer(0).reject(new Error("no answer"));
  await simulated.answer(0).promise.catch(() => undefined);
  refresh();
  await simulated.begun(1);
  simulated.answer(1).resolve("at last");
  await simulated.answer(1).promise;
  leaving.abort();

  expect(simulated.failures).toEqual([1]);
  expect(simulated.shown).toEqual(["at last"]);
});
