import type { SupabaseClient } from "@supabase/supabase-js";
import { sendMessage, TidewireError } from "@tidewire/client";
import { createAlarm } from "./alarm.js";
import { whenPageReturns } from "./page-return.js";
import { PATIENCE_MS } from "./patience.js";
import type { Question } from "./question.js";

const FLOW = "research_chat";

/**
 * Sends a question until the server answers; its id makes sending it again harmless. `unanswered`
 * hears of each try that got no answer and is followed by another.
 */
export async function sendQuestion(
  supabase: SupabaseClient,
  threadId: string,
  { id, text }: Question,
  unanswered: () => void,
) {
  const message = { id, role: "user", parts: [{ type: "text", text }] } as const;
  const alarm = createAlarm();
  const stopWaking = whenPageReturns(alarm.ring);
  try {
    for (const delayMs of PATIENCE_MS) {
      try {
        return await sendMessage(supabase, threadId, message, FLOW);
      } catch (error) {
        if (!isUnanswered(error)) throw error;
        unanswered();
        await alarm.sleep(delayMs);
      }
    }
    return await sendMessage(supabase, threadId, message, FLOW);
  } finally {
    stopWaking();
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof TidewireError && (error.status === 0 || error.status >= 500);
}
