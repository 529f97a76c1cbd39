import { expect, test } from "vitest";
import { regenerate, retryRun } from "../src/commands.js";
import { TidewireError } from "../src/errors.js";
import type { Supabase } from "../src/supabase.js";

interface Call {
  readonly name: string;
  readonly args: unknown;
}

/** A server that gives every RPC the same answer and keeps what it was asked. */
function serverThatAnswers(answer: object): { supabase: Supabase; calls: Call[] } {
  const calls: Call[] = [];
  const rpc = (name: string, args: unknown) => {
    calls.push({ name, args });
    return { abortSignal: async () => answer };
  };
  return { supabase: { rpc } as unknown as Supabase, calls };
}

const made = {
  data: { run_id: "new", message_id: "new", status: "queued", created: true },
  error: null,
};

test("a retry sends only what it was given and answers the new run", async () => {
  const { supabase, calls } = serverThatAnswers(made);
  const run = await retryRun(supabase, "old");
  await retryRun(supabase, "old", { fromStep: "write", idempotencyKey: "key" });

  expect(run).toEqual({ runId: "new", messageId: "new", status: "queued", created: true });
  expect(calls).toEqual([
    { name: "retry_run", args: { run_id: "old" } },
    { name: "retry_run", args: { run_id: "old", from_step: "write", idempotency_key: "key" } },
  ]);
});

test("a run is regenerated with the same input or with another", async () => {
  const { supabase, calls } = serverThatAnswers(made);
  const run = await regenerate(supabase, "old");
  await regenerate(supabase, "old", { input: { q: 2 }, idempotencyKey: "key" });

  expect(run.runId).toBe("new");
  expect(calls).toEqual([
    { name: "regenerate", args: { run_id: "old" } },
    { name: "regenerate", args: { run_id: "old", input: { q: 2 }, idempotency_key: "key" } },
  ]);
});

test("a refused retry is a typed error", async () => {
  const { supabase } = serverThatAnswers({
    error: { code: "PT409", details: "TW005", message: "run old is still active", hint: "" },
    status: 409,
  });
  const refused = retryRun(supabase, "old");

  await expect(refused).rejects.toBeInstanceOf(TidewireError);
  await expect(refused).rejects.toMatchObject({ code: "TW005", status: 409 });
});
