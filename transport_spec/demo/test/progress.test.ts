import { expect, test } from "vitest";
import { withProgress } from "../src/progress.js";

const started = { step: "search", status: "started", attempt: 1 } as const;
const found = { ...started, message: "12 passages found", counts: { passages: 12 } };

test("a step keeps what it said when it completes", () => {
  const steps = [started, found, { ...started, status: "completed" } as const];
  expect(steps.reduce(withProgress, [])).toEqual([{ ...found, status: "completed" }]);
});

test("a new attempt begins without the words of the one before it", () => {
  const retrying = { ...started, status: "retrying", message: "no answer" } as const;
  expect([found, retrying].reduce(withProgress, [])).toEqual([retrying]);
  expect([found, retrying, { ...started, attempt: 2 }].reduce(withProgress, [])).toEqual([
    { ...started, attempt: 2 },
  ]);
});

test("steps stay in the order in which they began", () => {
  const other = { ...started, step: "rerank" };
  expect([started, other, found].reduce(withProgress, [])).toEqual([found, other]);
});
