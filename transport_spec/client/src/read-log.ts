import type { LogChunk, RunStatus } from "./chunk.js";
import { errorFrom } from "./errors.js";
import type { LogPage, ReadPage } from "./log-page.js";
import type { Supabase } from "./supabase.js";

/** Answer of the RPC `read_log`. */
interface ReadLogAnswer {
  readonly entries: readonly {
    readonly index: number;
    readonly first_index: number;
    readonly chunk: LogChunk;
  }[];
  readonly next_after: number;
  readonly head: number;
  readonly status: RunStatus;
  readonly waiting_for: readonly string[];
  readonly lease_live: boolean;
  readonly purged: boolean;
}

/** Reads pages with the RPC `read_log`: the fast path, with adjacent deltas merged. */
export function logReader(supabase: Supabase, runId: string): ReadPage {
  return async (after, signal) => {
    const answer = await supabase.rpc("read_log", { run_id: runId, after }).abortSignal(signal);
    if (answer.error) throw errorFrom(answer);
    return toPage(answer.data as ReadLogAnswer);
  };
}

function toPage(answer: ReadLogAnswer): LogPage {
  return {
    entries: answer.entries.map(({ index, first_index, chunk }) => ({
      index,
      firstIndex: first_index,
      chunk,
    })),
    more: answer.next_after < answer.head,
    head: answer.head,
    status: answer.status,
    waitingFor: answer.waiting_for,
    leaseLive: answer.lease_live,
    purged: answer.purged,
  };
}
