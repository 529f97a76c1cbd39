import { isTerminal, isTerminalStatus, type LogEntry } from "./chunk.js";
import { backoffDelay, type Clock } from "./clock.js";
import { isFinalForReaders, LogPurgedError, StreamTimeoutError } from "./errors.js";
import type { FollowLimits, FollowStatus } from "./follow-status.js";
import { createInbox, type Hint } from "./inbox.js";
import type { LiveMessage } from "./live-message.js";
import type { LogPage, ReadPage } from "./log-page.js";

/** Everything a reader needs from outside. */
export interface LogIO {
  readonly readPage: ReadPage;
  /** Begins to deliver hints and returns what ends it. */
  readonly listen: (hear: (hint: Hint) => void) => () => void;
  readonly clock: Clock;
}

export type LogEvent =
  | { readonly type: "entry"; readonly entry: LogEntry }
  /** The log starts again from its beginning: discard every entry seen. */
  | { readonly type: "reset" }
  | { readonly type: "status"; readonly status: FollowStatus };

interface Reader {
  readonly io: LogIO;
  readonly limits: FollowLimits;
  readonly signal: AbortSignal;
  cursor: number;
  joined: boolean;
  page: LogPage | null;
  problem: string | null;
  failures: number;
  /** Reads in a row that found nothing new. */
  quietReads: number;
  /** When the table is read next, whatever happens. */
  readAt: number;
  /** Since when nothing moved, nobody held a lease and nothing was awaited. */
  stalledSince: number;
  ended: boolean;
  reported: string;
}

/**
 * Follows a log after a cursor until its terminal entry: every entry once, in order.
 *
 * The table is the truth. Live messages only save reads: one that follows the cursor is handed
 * over, one already covered is dropped, and any other makes the reader look at the table, as do
 * every join, every wake and every silence.
 *
 * Failed reads are tried again for ever. Ends early only by throwing: `StreamTimeoutError`,
 * `LogPurgedError`, a final `TidewireError`, or the signal's reason.
 */
export async function* followLog(
  io: LogIO,
  after: number,
  limits: FollowLimits,
  signal: AbortSignal,
): AsyncGenerator<LogEvent, void, undefined> {
  const inbox = createInbox(io.clock);
  const reader = createReader(io, after, limits, signal);
  const stopListening = io.listen(inbox.put);
  try {
    yield* changedStatus(reader);
    while (!reader.ended) {
      const hint = await inbox.take(reader.readAt - io.clock.now(), signal);
      signal.throwIfAborted();
      if (hint === null) yield* catchUp(reader);
      else if (hint.type === "message") yield* applyLive(reader, hint.message);
      else noteHint(reader, hint);
      yield* changedStatus(reader);
    }
  } finally {
    stopListening();
  }
}

function createReader(
  io: LogIO,
  cursor: number,
  limits: FollowLimits,
  signal: AbortSignal,
): Reader {
  const now = io.clock.now();
  return {
    io,
    limits,
    signal,
    cursor,
    joined: false,
    page: null,
    problem: null,
    failures: 0,
    quietReads: 0,
    readAt: now + limits.joinPatienceMs,
    stalledSince: now,
    ended: false,
    reported: "",
  };
}

function noteHint(reader: Reader, hint: Exclude<Hint, { type: "message" }>): void {
  const now = reader.io.clock.now();
  if (hint.type === "left") {
    reader.joined = false;
    reader.readAt = Math.min(reader.readAt, now + reader.limits.pollMs);
  } else {
    if (hint.type === "joined") reader.joined = true;
    reader.readAt = now;
  }
}

function* applyLive(reader: Reader, message: LiveMessage): Generator<LogEvent, void, undefined> {
  const now = reader.io.clock.now();
  if (message.nextIndex <= reader.cursor + 1) return;
  if (reader.page === null || message.chunks === null || message.firstIndex > reader.cursor + 1) {
    // A failing table keeps its backoff: one read per message would be a storm.
    if (reader.failures === 0) reader.readAt = now;
    return;
  }
  for (const chunk of message.chunks.slice(reader.cursor + 1 - message.firstIndex)) {
    const index = reader.cursor + 1;
    yield* handOver(reader, { index, firstIndex: index, chunk });
    if (reader.ended) return;
  }
  // Somebody wrote, so what the last read said about waiting is out of date.
  reader.page = { ...reader.page, status: "running", leaseLive: true, waitingFor: [] };
  reader.quietReads = 0;
  reader.stalledSince = now;
  if (reader.failures === 0) reader.readAt = now + reader.limits.silenceMs;
}

function* handOver(reader: Reader, entry: LogEntry): Generator<LogEvent, void, undefined> {
  reader.cursor = entry.index;
  reader.ended = isTerminal(entry.chunk);
  yield { type: "entry", entry };
}

/** Reads after the cursor until the head, then decides when to read again. */
async function* catchUp(reader: Reader): AsyncGenerator<LogEvent, void, undefined> {
  const cursorBefore = reader.cursor;
  for (let more = true; more && !reader.ended;) {
    const page = await readInTime(reader);
    if (page === null) return;
    if (page.purged) throw new LogPurgedError();
    if (page.head < reader.cursor) {
      reader.cursor = -1;
      yield { type: "reset" };
      continue;
    }
    for (const entry of page.entries) {
      yield* handOver(reader, entry);
      if (reader.ended) return;
    }
    more = page.more;
    if (!more && isTerminalStatus(page.status)) reader.ended = true;
  }
  planNextRead(reader, reader.cursor !== cursorBefore);
}

/** The page after the cursor, or null when the read failed and was put off. */
async function readInTime(reader: Reader): Promise<LogPage | null> {
  const { io, limits, signal } = reader;
  const reading = new AbortController();
  const stop = () => reading.abort(signal.reason);
  signal.addEventListener("abort", stop);
  try {
    const late = io.clock.sleep(limits.readTimeoutMs, reading.signal).then(() => null);
    const page = await Promise.race([io.readPage(reader.cursor, reading.signal), late]);
    signal.throwIfAborted();
    if (page === null) throw new Error(`the read must take ${limits.readTimeoutMs} ms at most`);
    checkDense(page, reader.cursor);
    if (reader.failures > 0) reader.stalledSince = io.clock.now();
    reader.failures = 0;
    reader.problem = null;
    reader.page = page;
    return page;
  } catch (error) {
    signal.throwIfAborted();
    if (isFinalForReaders(error)) throw error;
    reader.failures += 1;
    reader.problem = error instanceof Error ? error.message : String(error);
    reader.readAt = io.clock.now() + backoffDelay(reader.failures, 500, 10_000);
    return null;
  } finally {
    signal.removeEventListener("abort", stop);
    reading.abort();
  }
}

/** Refuses a page that would skip or repeat a chunk: handing it over could not be undone. */
function checkDense(page: LogPage, after: number): void {
  let expected = after + 1;
  for (const entry of page.entries) {
    if (entry.firstIndex !== expected || entry.index < expected) {
      throw new Error(`the next chunk must be ${expected}, got ${entry.firstIndex}`);
    }
    expected = entry.index + 1;
  }
}

function planNextRead(reader: Reader, progressed: boolean): void {
  const { io, limits, page } = reader;
  if (reader.ended || page === null) return;
  const now = io.clock.now();
  const moving = progressed || page.leaseLive || page.waitingFor.length > 0;
  if (moving) reader.stalledSince = now;
  else if (now - reader.stalledSince >= limits.streamTimeoutMs) {
    throw new StreamTimeoutError(reader.cursor, null);
  }
  reader.quietReads = progressed ? 0 : reader.quietReads + 1;
  const base = reader.joined ? limits.silenceMs : limits.pollMs;
  const silence = page.leaseLive
    ? base
    : backoffDelay(reader.quietReads + 1, base, limits.maxSilenceMs);
  const deadline = reader.stalledSince + limits.streamTimeoutMs;
  reader.readAt = Math.min(now + silence, moving ? Number.POSITIVE_INFINITY : deadline);
}

function* changedStatus(reader: Reader): Generator<LogEvent, void, undefined> {
  const status = statusOf(reader);
  const report = JSON.stringify(status);
  if (report === reader.reported) return;
  reader.reported = report;
  yield { type: "status", status };
}

function statusOf({ page, problem, failures, joined }: Reader): FollowStatus {
  const settled = page !== null && failures === 0;
  let connection: FollowStatus["connection"] = "connecting";
  if (failures > 0) connection = "failing";
  else if (page !== null) connection = joined ? "live" : "polling";
  return {
    connection,
    caughtUp: settled,
    runStatus: page?.status ?? null,
    waitingFor: page?.waitingFor ?? [],
    leaseLive: page?.leaseLive ?? false,
    problem,
  };
}
