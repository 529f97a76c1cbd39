import { isTerminalStatus, type LogChunk, type LogEntry, type RunStatus } from "./chunk.js";
import { errorFrom, TidewireError } from "./errors.js";
import type { LogPage, ReadPage } from "./log-page.js";
import type { Supabase } from "./supabase.js";

/** A row of `streaming_chunks`. A compacted one spans several indexes and says where each ended. */
export interface ChunkRow {
  readonly chunk_index: number;
  readonly first_index: number;
  /** Cumulative ends of the merged deltas, in Unicode code points; null when nothing was merged. */
  readonly delta_ends: readonly number[] | null;
  readonly chunk_data: LogChunk;
}

/** What the tables say about a run beside its log. */
export interface RunState {
  readonly head: number;
  readonly status: RunStatus;
  readonly leaseLive: boolean;
  readonly waitingFor: readonly string[];
}

export interface TableIO {
  /** Some rows after the cursor in order; the server may cut them short at any number. */
  readRows(after: number, signal: AbortSignal): Promise<readonly ChunkRow[]>;
  readState(signal: AbortSignal): Promise<RunState>;
}

/**
 * Reads pages from the tables alone. A short page says nothing: only an empty one ends the reading.
 */
export function tableReader(io: TableIO): ReadPage {
  return async (after, signal) => {
    const rows = await io.readRows(after, signal);
    const last = rows.at(-1);
    const state = last === undefined ? await io.readState(signal) : null;
    if (last !== undefined || state === null) {
      return { ...unknownState, entries: entriesAfter(rows, after), head: last?.chunk_index ?? -1 };
    }
    const missing = state.head > after;
    const purged = missing && isTerminalStatus(state.status) && (await isEmpty(io, after, signal));
    return { ...state, entries: [], more: missing, purged };
  };
}

/** Rows alone say only that there may be more; the page that ends the reading says the rest. */
const unknownState: Omit<LogPage, "entries" | "head"> = {
  more: true,
  status: "running",
  waitingFor: [],
  leaseLive: true,
  purged: false,
};

/** The log of an ended run is complete, so rows still missing after its end were purged. */
async function isEmpty(io: TableIO, after: number, signal: AbortSignal): Promise<boolean> {
  return (await io.readRows(after, signal)).length === 0;
}

/** Turns rows into entries after the cursor, cutting a compacted row that the cursor stands in. */
export function entriesAfter(rows: readonly ChunkRow[], after: number): LogEntry[] {
  return rows.map((row) => {
    const skipped = after - row.first_index + 1;
    if (skipped <= 0) {
      return { index: row.chunk_index, firstIndex: row.first_index, chunk: row.chunk_data };
    }
    const end = row.delta_ends?.[skipped - 1];
    if (end === undefined)
      throw new Error(`chunk ${row.chunk_index} must say where its deltas end`);
    return {
      index: row.chunk_index,
      firstIndex: after + 1,
      chunk: withoutCodePoints(row.chunk_data, end),
    };
  });
}

function withoutCodePoints(chunk: LogChunk, count: number): LogChunk {
  if (chunk.type === "text-delta" || chunk.type === "reasoning-delta") {
    return { ...chunk, delta: dropCodePoints(chunk.delta, count) };
  }
  if (chunk.type === "tool-input-delta") {
    return { ...chunk, inputTextDelta: dropCodePoints(chunk.inputTextDelta, count) };
  }
  throw new Error(`only deltas can be merged, got ${chunk.type}`);
}

/** Drops leading code points. A string counts UTF-16 units, of which some characters take two. */
function dropCodePoints(text: string, count: number): string {
  let unit = 0;
  for (let dropped = 0; dropped < count; dropped += 1) {
    unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(unit);
}

/** The tables as the run's owner may read them over PostgREST. */
export function supabaseTables(supabase: Supabase, runId: string, pageSize = 1000): TableIO {
  return {
    async readRows(after, signal) {
      const answer = await supabase
        .from("streaming_chunks")
        .select("chunk_index, first_index, delta_ends, chunk_data")
        .eq("run_id", runId)
        .gt("chunk_index", after)
        .order("chunk_index", { ascending: true })
        .limit(pageSize)
        .abortSignal(signal);
      if (answer.error) throw errorFrom(answer);
      return answer.data as unknown as ChunkRow[];
    },
    async readState(signal) {
      const runs = await supabase
        .from("flow_runs")
        .select("status, next_index, held")
        .eq("run_id", runId)
        .abortSignal(signal);
      if (runs.error) throw errorFrom(runs);
      const run = runs.data[0] as RunRow | undefined;
      if (run === undefined) throw new TidewireError("TW003", 404, `run ${runId} not found`, null);
      const steps = await supabase
        .from("flow_steps")
        .select("step_slug, status")
        .eq("run_id", runId)
        .in("status", ["running", "scheduled"])
        .abortSignal(signal);
      if (steps.error) throw errorFrom(steps);
      return stateOf(run, steps.data as unknown as StepRow[]);
    },
  };
}

interface RunRow {
  readonly status: RunStatus;
  readonly next_index: number;
  /** Whether the run waits for its turn in the thread. */
  readonly held: boolean;
}

interface StepRow {
  readonly step_slug: string;
  readonly status: "running" | "scheduled";
}

function stateOf(run: RunRow, steps: readonly StepRow[]): RunState {
  const scheduled = steps.filter((step) => step.status === "scheduled");
  return {
    head: run.next_index - 1,
    status: run.status,
    leaseLive: steps.some((step) => step.status === "running"),
    waitingFor: run.held ? ["thread"] : [...new Set(scheduled.map((step) => step.step_slug))],
  };
}
