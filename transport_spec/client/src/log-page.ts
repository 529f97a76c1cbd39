import type { LogEntry, RunStatus } from "./chunk.js";

/** One page of a log, read after a cursor. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Whether the log held more after this page when it was read. */
  readonly more: boolean;
  /** Index of the last entry of the log when it was read; -1 when it was empty. */
  readonly head: number;
  readonly status: RunStatus;
  /** Steps that wait for their time or a signal, or `thread`: its turn. Empty: it waits for nothing. */
  readonly waitingFor: readonly string[];
  /** Whether a worker holds a step of the run. */
  readonly leaseLive: boolean;
  readonly purged: boolean;
}

/** Reads the page after a cursor. Rejects when it cannot; the reader decides whether to try again. */
export type ReadPage = (after: number, signal: AbortSignal) => Promise<LogPage>;
