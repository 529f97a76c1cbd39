import type { LogChunk, RunStatus } from "../src/chunk.js";
import { followLog, type LogEvent } from "../src/follow-log.js";
import { defaultLimits, type FollowLimits } from "../src/follow-status.js";
import type { Hint } from "../src/inbox.js";
import type { LogPage } from "../src/log-page.js";
import { type VirtualClock, virtualClock } from "./virtual-clock.js";

export const delta = (text: string): LogChunk => ({
  type: "text-delta",
  id: "generate.0",
  delta: text,
});
export const finish: LogChunk = { type: "finish", finishReason: "stop" };

/** A run whose log, lease and channel a test moves by hand, at times it chooses. */
export interface SimulatedRun {
  readonly clock: VirtualClock;
  readonly log: LogChunk[];
  readonly reads: { at: number; after: number }[];
  state: { status: RunStatus; leaseLive: boolean; waitingFor: string[]; purged: boolean };
  pageSize: number;
  /** What the next reads do instead of answering, in order. */
  readonly faults: (() => Promise<LogPage>)[];
  hear(hint: Hint): void;
  commit(...chunks: LogChunk[]): void;
  /** Broadcasts committed chunks, which may be late, twice, out of order or never. */
  broadcast(firstIndex: number, count?: number): void;
  announce(firstIndex: number, nextIndex: number): void;
  follow(after?: number, signal?: AbortSignal, limits?: Partial<FollowLimits>): Followed;
}

export interface Followed {
  readonly events: LogEvent[];
  readonly done: Promise<void>;
  indexes(): number[];
}

export function simulatedRun(): SimulatedRun {
  const clock = virtualClock();
  const listeners = new Set<(hint: Hint) => void>();
  const run: SimulatedRun = {
    clock,
    log: [],
    reads: [],
    state: { status: "running", leaseLive: true, waitingFor: [], purged: false },
    pageSize: 1000,
    faults: [],
    hear: (hint) => {
      for (const listener of listeners) listener(hint);
    },
    commit: (...chunks) => run.log.push(...chunks),
    broadcast: (firstIndex, count = 1) => {
      const chunks = run.log.slice(firstIndex, firstIndex + count);
      run.hear({
        type: "message",
        message: { firstIndex, chunks, nextIndex: firstIndex + chunks.length },
      });
    },
    announce: (firstIndex, nextIndex) =>
      run.hear({ type: "message", message: { firstIndex, chunks: null, nextIndex } }),
    follow: (after = -1, signal = new AbortController().signal, limits = {}) => {
      const events: LogEvent[] = [];
      const io = {
        clock,
        readPage: (cursor: number) => read(run, cursor),
        listen: (hear: (hint: Hint) => void) => {
          listeners.add(hear);
          return () => listeners.delete(hear);
        },
      };
      const collect = async () => {
        for await (const event of followLog(io, after, { ...defaultLimits, ...limits }, signal)) {
          events.push(event);
        }
      };
      return {
        events,
        done: collect(),
        indexes: () => events.flatMap((e) => (e.type === "entry" ? [e.entry.index] : [])),
      };
    },
  };
  return run;
}

async function read(run: SimulatedRun, after: number): Promise<LogPage> {
  run.reads.push({ at: run.clock.now(), after });
  const fault = run.faults.shift();
  if (fault !== undefined) return fault();
  const chunks = run.log.slice(after + 1, after + 1 + run.pageSize);
  const head = run.log.length - 1;
  return {
    entries: chunks.map((chunk, i) => ({ index: after + 1 + i, firstIndex: after + 1 + i, chunk })),
    more: after + chunks.length < head,
    head,
    ...run.state,
  };
}
