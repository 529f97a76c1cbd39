import type { RunStatus } from "./chunk.js";
import { errorFrom } from "./errors.js";
import type { Supabase } from "./supabase.js";

export interface StartedRun {
  readonly runId: string;
  /** Id of the message that the run writes. */
  readonly messageId: string;
  readonly status: RunStatus;
  /** False when an earlier call with the same key or id had already started it. */
  readonly created: boolean;
}

export interface StartRunOptions {
  readonly runId?: string;
  readonly threadId?: string;
  /** The same key with the same input answers the run that it started first. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Starts a run of a flow. Safe to repeat with a `runId` or an `idempotencyKey`. */
export async function startRun(
  supabase: Supabase,
  flowSlug: string,
  input: unknown,
  { runId, threadId, idempotencyKey, signal }: StartRunOptions = {},
): Promise<StartedRun> {
  const answer = await call<WireRun>(
    supabase,
    "start_run",
    {
      flow_slug: flowSlug,
      input,
      ...(runId === undefined ? {} : { run_id: runId }),
      ...(threadId === undefined ? {} : { thread_id: threadId }),
      ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
    },
    signal,
  );
  return toStartedRun(answer);
}

export interface UserMessage {
  /** Chosen by the sender, so that sending the message again changes nothing. */
  readonly id: string;
  readonly role: "user";
  readonly parts: readonly { readonly type: "text"; readonly text: string }[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface SendMessageOptions {
  /** What to do while the thread has an active run: refuse (TW005), wait for it, or cancel it. */
  readonly onBusy?: "reject" | "queue" | "cancel";
  readonly signal?: AbortSignal;
}

/** Stores a user's message in a thread and starts the run that answers it. Safe to repeat. */
export async function sendMessage(
  supabase: Supabase,
  threadId: string,
  message: UserMessage,
  flowSlug: string,
  { onBusy = "reject", signal }: SendMessageOptions = {},
): Promise<StartedRun & { readonly threadId: string }> {
  const answer = await call<WireRun & { readonly thread_id: string }>(
    supabase,
    "send_message",
    { thread_id: threadId, message, flow_slug: flowSlug, on_busy: onBusy },
    signal,
  );
  return { ...toStartedRun(answer), threadId: answer.thread_id };
}

/** Ends a run. The answer is its status afterwards: a run that had already ended keeps its own. */
export async function cancelRun(
  supabase: Supabase,
  runId: string,
  signal?: AbortSignal,
): Promise<RunStatus> {
  const answer = await call<{ readonly status: RunStatus }>(
    supabase,
    "cancel_run",
    { run_id: runId },
    signal,
  );
  return answer.status;
}

export interface RetryRunOptions {
  /** Redone with all that depends on it. Without it, what the run had not finished is redone. */
  readonly fromStep?: string;
  /** The same key for the same retry answers the run that it made first. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Does a run that has ended again, as a new run that takes over what was finished. */
export async function retryRun(
  supabase: Supabase,
  runId: string,
  { fromStep, idempotencyKey, signal }: RetryRunOptions = {},
): Promise<StartedRun> {
  const answer = await call<WireRun>(
    supabase,
    "retry_run",
    {
      run_id: runId,
      ...(fromStep === undefined ? {} : { from_step: fromStep }),
      ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
    },
    signal,
  );
  return toStartedRun(answer);
}

export interface RegenerateOptions {
  /** The new run's input; the same as before when left out. */
  readonly input?: unknown;
  /** The same key for the same call answers the run that it made first. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Does the steps of an ended run that stream again, as a new run; what came before is kept. */
export async function regenerate(
  supabase: Supabase,
  runId: string,
  { input, idempotencyKey, signal }: RegenerateOptions = {},
): Promise<StartedRun> {
  const answer = await call<WireRun>(
    supabase,
    "regenerate",
    {
      run_id: runId,
      ...(input === undefined ? {} : { input }),
      ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
    },
    signal,
  );
  return toStartedRun(answer);
}

interface WireRun {
  readonly run_id: string;
  readonly message_id: string;
  readonly status: RunStatus;
  readonly created: boolean;
}

function toStartedRun(answer: WireRun): StartedRun {
  return {
    runId: answer.run_id,
    messageId: answer.message_id,
    status: answer.status,
    created: answer.created,
  };
}

/** Raises `TidewireError`: what the server refused, or status 0 when no answer came. */
async function call<T>(
  supabase: Supabase,
  name: string,
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  const answer = await supabase.rpc(name, args).abortSignal(signal);
  signal.throwIfAborted();
  if (answer.error) throw errorFrom(answer);
  return answer.data as T;
}
