/** Statuses of a run, as in `flow_runs.status`. */
export type RunStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

/** Where a step is. `data-progress` with the id of a step replaces the one before it. */
export interface StepProgress {
  readonly step: string;
  readonly status: "started" | "completed" | "failed" | "skipped" | "retrying" | "waiting";
  readonly attempt?: number;
  readonly message?: string;
  readonly counts?: Readonly<Record<string, number>>;
}

type Metadata = Readonly<Record<string, unknown>>;

/** The last entry of a log. A log that stops without one was interrupted, not finished. */
export type TerminalChunk =
  | { readonly type: "finish"; readonly finishReason?: string; readonly messageMetadata?: Metadata }
  | { readonly type: "error"; readonly errorText: string }
  | { readonly type: "abort"; readonly reason?: string };

export type TextChunk =
  | { readonly type: "text-start" | "text-end"; readonly id: string }
  | { readonly type: "text-delta"; readonly id: string; readonly delta: string }
  | { readonly type: "reasoning-start" | "reasoning-end"; readonly id: string }
  | { readonly type: "reasoning-delta"; readonly id: string; readonly delta: string };

interface ToolCall {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly dynamic?: boolean;
  readonly title?: string;
}

export type ToolChunk =
  | ({ readonly type: "tool-input-start" } & ToolCall)
  | {
      readonly type: "tool-input-delta";
      readonly toolCallId: string;
      readonly inputTextDelta: string;
    }
  | ({ readonly type: "tool-input-available"; readonly input: unknown } & ToolCall)
  | ({
      readonly type: "tool-input-error";
      readonly input: unknown;
      readonly errorText: string;
    } & ToolCall)
  | {
      readonly type: "tool-output-available";
      readonly toolCallId: string;
      readonly output: unknown;
      readonly preliminary?: boolean;
    }
  | { readonly type: "tool-output-error"; readonly toolCallId: string; readonly errorText: string };

export type SourceChunk =
  | {
      readonly type: "source-url";
      readonly sourceId: string;
      readonly url: string;
      readonly title?: string;
    }
  | {
      readonly type: "source-document";
      readonly sourceId: string;
      readonly mediaType: string;
      readonly title: string;
      readonly filename?: string;
    }
  | { readonly type: "file"; readonly url: string; readonly mediaType: string };

/** Application data. The same type with the same id replaces; a transient one is not kept. */
export interface DataChunk {
  readonly type: `data-${string}`;
  readonly id?: string;
  readonly data: unknown;
  readonly transient?: boolean;
}

export type ControlChunk =
  | { readonly type: "start"; readonly messageId?: string; readonly messageMetadata?: Metadata }
  | { readonly type: "start-step" | "finish-step" }
  | { readonly type: "message-metadata"; readonly messageMetadata: Metadata };

/** The body of one log entry: one UI-message chunk of the AI SDK. */
export type LogChunk =
  ControlChunk | TextChunk | ToolChunk | SourceChunk | DataChunk | TerminalChunk;

/** One entry of a run's log. Adjacent deltas of one part may be merged: then it spans indexes. */
export interface LogEntry {
  /** Chunk index of the last chunk in this entry: the cursor after handling it. */
  readonly index: number;
  /** Chunk index of the first chunk in it; equals `index` unless deltas were merged. */
  readonly firstIndex: number;
  readonly chunk: LogChunk;
}

export function isTerminal(chunk: LogChunk): chunk is TerminalChunk {
  return chunk.type === "finish" || chunk.type === "error" || chunk.type === "abort";
}

export function isTerminalStatus(status: RunStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}
