import type { RunStatus } from "./chunk.js";

export interface FollowLimits {
  /** How long to wait for the first join before reading without it. */
  readonly joinPatienceMs: number;
  /** How long to trust silence while a worker holds a lease. */
  readonly silenceMs: number;
  /** The same while the channel is not joined. */
  readonly pollMs: number;
  /** Longest silence while the run waits. */
  readonly maxSilenceMs: number;
  /** How long a run that nobody holds and that awaits nothing may stand still. */
  readonly streamTimeoutMs: number;
  /** How long one read may take before it counts as failed. */
  readonly readTimeoutMs: number;
}

export const defaultLimits: FollowLimits = {
  joinPatienceMs: 1_500,
  silenceMs: 5_000,
  pollMs: 1_000,
  maxSilenceMs: 60_000,
  streamTimeoutMs: 30_000,
  readTimeoutMs: 10_000,
};

/** What a reader knows beside the entries; reported when it changes. */
export interface FollowStatus {
  /** live: joined and read; polling: the table alone; failing: the last read failed. */
  readonly connection: "connecting" | "live" | "polling" | "failing";
  /** Whether everything that existed at the last read was handed over. */
  readonly caughtUp: boolean;
  readonly runStatus: RunStatus | null;
  readonly waitingFor: readonly string[];
  readonly leaseLive: boolean;
  /** Why the last read failed, or null. */
  readonly problem: string | null;
}
