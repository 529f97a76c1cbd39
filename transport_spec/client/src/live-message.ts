import type { LogChunk } from "./chunk.js";

/** Payload of the broadcast event `chunks`. Without `chunks` it only says that the log has grown. */
export interface LiveMessage {
  readonly firstIndex: number;
  readonly chunks: readonly LogChunk[] | null;
  /** Index that the next chunk will get. */
  readonly nextIndex: number;
}

/** Reads a broadcast payload; null when it is not a message about this run. */
export function parseLiveMessage(payload: unknown, runId: string): LiveMessage | null {
  if (typeof payload !== "object" || payload === null) return null;
  const { run_id, first_index, next_index, chunks } = payload as Record<string, unknown>;
  if (run_id !== runId || !isIndex(first_index)) return null;
  if (Array.isArray(chunks)) {
    return { firstIndex: first_index, chunks, nextIndex: first_index + chunks.length };
  }
  if (!isIndex(next_index)) return null;
  return { firstIndex: first_index, chunks: null, nextIndex: next_index };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
