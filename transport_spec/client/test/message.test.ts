import { describe, expect, test } from "vitest";
import type { LogChunk } from "../src/chunk.js";
import { applyEntry, emptyMessage, type RunMessage } from "../src/message.js";

const reduce = (...chunks: LogChunk[]): RunMessage =>
  chunks.reduce((message, chunk) => applyEntry(message, { chunk }), emptyMessage);

const text = (id: string, ...deltas: string[]): LogChunk[] => [
  { type: "text-start", id },
  ...deltas.map((delta) => ({ type: "text-delta", id, delta }) as const),
];

describe("a message", () => {
  test("takes its id and metadata from the log", () => {
    const message = reduce(
      { type: "start", messageId: "m1", messageMetadata: { runId: "r", usage: { in: 1 } } },
      { type: "message-metadata", messageMetadata: { usage: { out: 2 } } },
      { type: "finish", messageMetadata: { seconds: 3 } },
    );
    expect(message).toMatchObject({
      id: "m1",
      status: "complete",
      metadata: { runId: "r", usage: { in: 1, out: 2 }, seconds: 3 },
    });
  });

  test("joins the deltas of each part, however they interleave", () => {
    const message = reduce(
      ...text("a.0", "one "),
      ...text("b.0", "two "),
      { type: "text-delta", id: "a.0", delta: "more" },
      { type: "text-end", id: "a.0" },
    );
    expect(message.parts).toEqual([
      { type: "text", id: "a.0", text: "one more", state: "done" },
      { type: "text", id: "b.0", text: "two ", state: "streaming" },
    ]);
  });

  test("replaces data with the same type and id, and keeps no transient data", () => {
    const message = reduce(
      { type: "data-progress", id: "search", data: { status: "started" } },
      { type: "data-search", id: "search", data: [1] },
      { type: "data-progress", id: "search", data: { status: "completed" } },
      { type: "data-note", data: "kept" },
      { type: "data-note", data: "kept too" },
      { type: "data-tick", data: 1, transient: true },
    );
    expect(message.parts).toEqual([
      { type: "data-progress", id: "search", data: { status: "completed" } },
      { type: "data-search", id: "search", data: [1] },
      { type: "data-note", data: "kept" },
      { type: "data-note", data: "kept too" },
    ]);
  });

  test("drops the parts that a reset names and nothing else", () => {
    const message = reduce(
      ...text("generate.0", "wrong"),
      ...text("other.0", "right"),
      { type: "tool-input-start", toolCallId: "generate.1", toolName: "look" },
      { type: "data-progress", id: "generate", data: {} },
      { type: "data-reset", data: { parts: ["generate.0", "generate.1"] } },
      ...text("generate.0", "again"),
    );
    expect(message.parts.map((part) => ("text" in part ? part.text : part.type))).toEqual([
      "right",
      "data-progress",
      "again",
    ]);
  });

  test("follows a tool call from its input to its output", () => {
    const message = reduce(
      { type: "tool-input-start", toolCallId: "t", toolName: "search" },
      { type: "tool-input-delta", toolCallId: "t", inputTextDelta: '{"q":' },
      { type: "tool-input-delta", toolCallId: "t", inputTextDelta: "1}" },
      { type: "tool-input-available", toolCallId: "t", toolName: "search", input: { q: 1 } },
      { type: "tool-output-available", toolCallId: "t", output: ["hit"] },
    );
    expect(message.parts).toEqual([
      {
        type: "tool-search",
        toolCallId: "t",
        toolName: "search",
        state: "output-available",
        inputText: '{"q":1}',
        input: { q: 1 },
        output: ["hit"],
      },
    ]);
  });

  test.each([
    [{ type: "error", errorText: "no answer" } as const, "no answer"],
    [{ type: "abort", reason: "cancelled" } as const, "cancelled"],
  ])("is incomplete after %j", (chunk, problem) => {
    expect(reduce(...text("a.0", "half"), chunk)).toMatchObject({ status: "incomplete", problem });
  });

  test("begins a part whose start was before the cursor", () => {
    expect(reduce({ type: "text-delta", id: "a.0", delta: "tail" }).parts).toEqual([
      { type: "text", id: "a.0", text: "tail", state: "streaming" },
    ]);
  });

  test("is not changed by a chunk type it does not know", () => {
    const before = reduce(...text("a.0", "x"));
    expect(applyEntry(before, { chunk: { type: "custom" } as unknown as LogChunk })).toBe(before);
  });

  test("leaves the message it was given as it was", () => {
    const before = reduce(...text("a.0", "x"));
    const copy = structuredClone(before);
    applyEntry(before, { chunk: { type: "text-delta", id: "a.0", delta: "y" } });
    expect(before).toEqual(copy);
  });

  test("of 100,000 deltas holds all of them", () => {
    let message = reduce({ type: "text-start", id: "a.0" });
    for (let i = 0; i < 100_000; i += 1) {
      message = applyEntry(message, {
        chunk: { type: "text-delta", id: "a.0", delta: "🌊 wave " },
      });
    }
    expect(message.parts[0]).toMatchObject({ text: "🌊 wave ".repeat(100_000) });
  });
});
