import type { SupabaseClient } from "@supabase/supabase-js";
import {
  emptyMessage,
  type FollowStatus,
  followRun,
  type RunEvent,
  type RunMessage,
  type StepProgress,
  StreamTimeoutError,
} from "@tidewire/client";
import { useCallback, useEffect, useRef, useState } from "react";
import { whenPageReturns } from "./page-return.js";
import { withProgress } from "./progress.js";

export interface RunView {
  readonly message: RunMessage;
  /** Each step as its entries add up: what it said last stays when it completes without a word. */
  readonly steps: readonly StepProgress[];
  readonly following: FollowStatus | null;
  /** Whether the log was read to its end. */
  readonly ended: boolean;
  /** Why following stopped before the end; null while it goes on. */
  readonly failure: Error | null;
}

const initialView: RunView = {
  message: emptyMessage,
  steps: [],
  following: null,
  ended: false,
  failure: null,
};

/**
 * Follows a run from the beginning of its log, drawing at most once a frame however fast it grows.
 * Leaving the page leaves the run as it is. `again` goes on after a failure, from its cursor.
 */
export function useRun(
  supabase: SupabaseClient,
  runId: string | null,
): { readonly view: RunView; readonly again: () => void } {
  const [view, setView] = useState(initialView);
  const [attempt, setAttempt] = useState(0);
  const place = useRef(beginning);

  // `attempt` asks to go on.
  useEffect(() => {
    if (runId === null) return;
    const leaving = new AbortController();
    const drawing = drawEachFrame(setView);
    const follow = async () => {
      drawing.change({ failure: null });
      const { after, message } = place.current;
      const options = { after, message, signal: leaving.signal };
      for await (const event of followRun(supabase, runId, options)) {
        if (event.type === "status") {
          drawing.change({ following: event.status });
        } else {
          place.current = placeAfter(place.current, event);
          drawing.change({ message: event.message, steps: place.current.steps });
        }
      }
      drawing.change({ ended: true });
    };
    follow().catch((failure: unknown) => {
      if (!leaving.signal.aborted) drawing.change({ failure: failure as Error });
    });
    return () => {
      leaving.abort();
      drawing.stop();
    };
  }, [supabase, runId, attempt]);

  const again = useCallback(() => setAttempt((count) => count + 1), []);
  const stalled = view.failure instanceof StreamTimeoutError;
  // What had stalled may have moved on since the page was last looked at.
  useEffect(() => (stalled ? whenPageReturns(again) : undefined), [stalled, again]);
  return { view, again };
}

interface Place {
  readonly after: number;
  readonly message: RunMessage;
  readonly steps: readonly StepProgress[];
}

const beginning: Place = { after: -1, message: emptyMessage, steps: [] };

function placeAfter(place: Place, event: Exclude<RunEvent, { type: "status" }>): Place {
  if (event.type === "reset") return beginning;
  const { index: after, chunk } = event.entry;
  const moved = { ...place, after, message: event.message };
  if (chunk.type !== "data-progress" || !("data" in chunk)) return moved;
  return { ...moved, steps: withProgress(place.steps, chunk.data as StepProgress) };
}

export function isTimeout(failure: Error): boolean {
  return failure instanceof StreamTimeoutError;
}

/** Gathers changes until the browser draws. */
function drawEachFrame(draw: (update: (view: RunView) => RunView) => void) {
  let changes: Partial<RunView> = {};
  let frame = 0;
  return {
    change(change: Partial<RunView>) {
      changes = { ...changes, ...change };
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        const gathered = changes;
        changes = {};
        draw((view) => ({ ...view, ...gathered }));
      });
    },
    stop() {
      cancelAnimationFrame(frame);
    },
  };
}
