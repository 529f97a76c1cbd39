import { describe, expect, test } from "vitest";
import type { LogEntry, RunStatus } from "../src/chunk.js";
import type { LogPage } from "../src/log-page.js";
import { type ChunkRow, entriesAfter, tableReader } from "../src/read-table.js";
import { delta, finish } from "./simulated-run.js";

const row = (index: number, text: string): ChunkRow => ({
  chunk_index: index,
  first_index: index,
  delta_ends: null,
  chunk_data: delta(text),
});

/** One row in place of several, as compaction leaves it. */
function compacted(firstIndex: number, texts: readonly string[]): ChunkRow {
  let end = 0;
  return {
    chunk_index: firstIndex + texts.length - 1,
    first_index: firstIndex,
    delta_ends: texts.map((text) => {
      end += [...text].length;
      return end;
    }),
    chunk_data: delta(texts.join("")),
  };
}

const textOf = (entries: readonly LogEntry[]) =>
  entries.map((entry) => (entry.chunk.type === "text-delta" ? entry.chunk.delta : "")).join("");

describe("a compacted row", () => {
  const texts = ["a", "🌊🌊", "", "é", "漢字", "👩‍👩‍👧", "z"];

  test.each([-1, 9, 10, 11, 12, 13, 14, 15, 16])("is cut exactly after cursor %i", (cursor) => {
    const rows = [compacted(10, texts)].filter((r) => r.chunk_index > cursor);
    const seen = Math.max(0, cursor - 9);
    expect(textOf(entriesAfter(rows, cursor))).toBe(texts.slice(seen).join(""));
  });

  test("says which indexes are left of it", () => {
    const [entry] = entriesAfter([compacted(10, texts)], 12);
    expect(entry).toMatchObject({ firstIndex: 13, index: 16 });
  });

  test("is cut for reasoning and tool input alike", () => {
    const rows = (["reasoning-delta", "tool-input-delta"] as const).map((type, i) => ({
      ...compacted(i * 2, ["🌊", "b"]),
      chunk_data:
        type === "reasoning-delta"
          ? ({ type, id: "think.0", delta: "🌊b" } as const)
          : ({ type, toolCallId: "t", inputTextDelta: "🌊b" } as const),
    }));
    expect(entriesAfter(rows.slice(0, 1), 0)[0]?.chunk).toMatchObject({ delta: "b" });
    expect(entriesAfter(rows.slice(1), 2)[0]?.chunk).toMatchObject({ inputTextDelta: "b" });
  });
});

function tables(rows: readonly ChunkRow[], cut: number, status: RunStatus = "completed") {
  return tableReader({
    readRows: async (after) => rows.filter((r) => r.chunk_index > after).slice(0, cut),
    readState: async () => ({
      head: rows.at(-1)?.chunk_index ?? -1,
      status,
      leaseLive: false,
      waitingFor: [],
    }),
  });
}

async function readAll(read: ReturnType<typeof tableReader>): Promise<LogPage[]> {
  const pages: LogPage[] = [];
  const signal = new AbortController().signal;
  for (let after = -1; pages.at(-1)?.more !== false;) {
    const page = await read(after, signal);
    pages.push(page);
    after = page.entries.at(-1)?.index ?? after;
  }
  return pages;
}

describe("reading the table", () => {
  test("goes on after a short page and stops at an empty one", async () => {
    const rows = [row(0, "a"), row(1, "b"), row(2, "c"), { ...row(3, ""), chunk_data: finish }];
    const pages = await readAll(tables(rows, 3));
    expect(pages.map((page) => page.entries.length)).toEqual([3, 1, 0]);
    expect(pages.at(-1)).toMatchObject({ head: 3, status: "completed", purged: false });
  });

  test("tells that the log of an ended run is gone", async () => {
    const read = tableReader({
      readRows: async () => [],
      readState: async () => ({ head: 5, status: "completed", leaseLive: false, waitingFor: [] }),
    });
    expect(await read(-1, new AbortController().signal)).toMatchObject({ purged: true });
  });

  test("takes rows that are not there yet for growth, not for loss", async () => {
    const read = tableReader({
      readRows: async () => [],
      readState: async () => ({ head: 5, status: "running", leaseLive: true, waitingFor: [] }),
    });
    const page = await read(-1, new AbortController().signal);
    expect(page).toMatchObject({ purged: false, more: true, head: 5 });
  });
});
