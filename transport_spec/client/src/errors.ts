import type { RunMessage } from "./message.js";

/** Codes of `PROTOCOL.md`, section Errors. TW000 stands for an error that is not Tidewire's own. */
export type TidewireCode =
  | "TW000"
  | "TW001"
  | "TW002"
  | "TW003"
  | "TW004"
  | "TW005"
  | "TW006"
  | "TW007"
  | "TW008"
  | "TW009"
  | "TW010";

const FINAL_FOR_READERS: ReadonlySet<TidewireCode> = new Set(["TW001", "TW003"]);

/** The server refused a call, or could not be reached (`status` 0). */
export class TidewireError extends Error {
  override readonly name = "TidewireError";

  constructor(
    readonly code: TidewireCode,
    /** HTTP status, 0 when no answer came. */
    readonly status: number,
    message: string,
    /** What the caller can do about it, when the server said so. */
    readonly hint: string | null,
  ) {
    super(message);
  }
}

/** The run made no progress, nothing holds or awaits it. `partial` is what it said until then. */
export class StreamTimeoutError extends Error {
  override readonly name = "StreamTimeoutError";

  constructor(
    readonly cursor: number,
    readonly partial: RunMessage | null,
  ) {
    super(`the run must make progress, got none after chunk ${cursor}`);
  }
}

/** The log was removed after its answer was kept: read the message from `flow_messages`. */
export class LogPurgedError extends Error {
  override readonly name = "LogPurgedError";

  constructor() {
    super("the log must still exist, got one that was purged");
  }
}

/** The shape in which supabase-js reports a failed request. */
export interface FailedRequest {
  readonly error: {
    readonly code?: string;
    readonly message: string;
    readonly details?: string | null;
    readonly hint?: string | null;
  };
  readonly status: number;
}

export function errorFrom({ error, status }: FailedRequest): TidewireError {
  const refusal = /^PT(\d{3})$/.exec(error.code ?? "");
  const code = refusal && /^TW0(0[1-9]|10)$/.test(error.details ?? "") ? error.details : "TW000";
  return new TidewireError(
    code as TidewireCode,
    refusal ? Number(refusal[1]) : status,
    error.message,
    error.hint || null,
  );
}

/** Whether reading again can never help. Everything else, an expired token included, may pass. */
export function isFinalForReaders(error: unknown): boolean {
  return error instanceof TidewireError && FINAL_FOR_READERS.has(error.code);
}
