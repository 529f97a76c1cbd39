import type { DataChunk, LogChunk, LogEntry, TextChunk, ToolChunk } from "./chunk.js";

export type MessagePart =
  | {
      readonly type: "text" | "reasoning";
      readonly id?: string;
      readonly text: string;
      readonly state?: "streaming" | "done";
    }
  | ToolPart
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
  | { readonly type: "file"; readonly url: string; readonly mediaType: string }
  | { readonly type: "step-start" }
  | DataPart;

export interface ToolPart {
  readonly type: `tool-${string}` | "dynamic-tool";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly state: "input-streaming" | "input-available" | "output-available" | "output-error";
  /** The input as it streams, before it is parsed. */
  readonly inputText: string;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly errorText?: string;
}

export interface DataPart {
  readonly type: `data-${string}`;
  readonly id?: string;
  readonly data: unknown;
}

/** The assistant's message as far as its log goes. */
export interface RunMessage {
  readonly id: string | null;
  readonly role: "assistant";
  readonly parts: readonly MessagePart[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** complete only after `finish`; incomplete after `error` or `abort`. */
  readonly status: "streaming" | "complete" | "incomplete";
  /** What `error` or `abort` said. */
  readonly problem: string | null;
}

export const emptyMessage: RunMessage = {
  id: null,
  role: "assistant",
  parts: [],
  metadata: {},
  status: "streaming",
  problem: null,
};

/**
 * Returns the message with one more log entry applied. The argument is left as it was.
 *
 * Deltas of a part whose start was not seen (a reader that resumed without its message) begin the
 * part. Chunk types this reader does not know change nothing.
 */
export function applyEntry(message: RunMessage, { chunk }: Pick<LogEntry, "chunk">): RunMessage {
  switch (chunk.type) {
    case "start":
      return {
        ...message,
        id: chunk.messageId ?? message.id,
        metadata: mergeMetadata(message.metadata, chunk.messageMetadata),
      };
    case "message-metadata":
      return { ...message, metadata: mergeMetadata(message.metadata, chunk.messageMetadata) };
    case "finish":
      return {
        ...message,
        status: "complete",
        metadata: mergeMetadata(message.metadata, chunk.messageMetadata),
      };
    case "error":
      return { ...message, status: "incomplete", problem: chunk.errorText };
    case "abort":
      return {
        ...message,
        status: "incomplete",
        problem: chunk.reason ?? "cancelled",
      };
    default: {
      const parts = applyToParts(message.parts, chunk);
      return parts === message.parts ? message : { ...message, parts };
    }
  }
}

type Parts = readonly MessagePart[];

function applyToParts(parts: Parts, chunk: LogChunk): Parts {
  switch (chunk.type) {
    case "text-start":
    case "reasoning-start":
    case "text-delta":
    case "reasoning-delta":
    case "text-end":
    case "reasoning-end":
      return applyText(parts, chunk);
    case "tool-input-start":
    case "tool-input-delta":
    case "tool-input-available":
    case "tool-input-error":
    case "tool-output-available":
    case "tool-output-error":
      return applyTool(parts, chunk);
    case "source-url":
    case "source-document":
    case "file":
      return [...parts, chunk];
    case "start-step":
      return [...parts, { type: "step-start" }];
    case "data-reset":
      return withoutNamed(parts, chunk.data);
    default:
      return chunk.type.startsWith("data-") ? applyData(parts, chunk as DataChunk) : parts;
  }
}

function applyText(parts: Parts, chunk: TextChunk): Parts {
  const [type, edge] = chunk.type.split("-") as ["text" | "reasoning", "start" | "delta" | "end"];
  const at = edge === "start" ? -1 : findLast(parts, type, chunk.id);
  const before = parts[at];
  const text = before && "text" in before ? before.text : "";
  return replaceAt(parts, at, {
    type,
    id: chunk.id,
    // Strings joined with + share their memory, so a long answer is not copied at every delta.
    text: "delta" in chunk ? text + chunk.delta : text,
    state: edge === "end" ? "done" : "streaming",
  });
}

function applyTool(parts: Parts, chunk: ToolChunk): Parts {
  const at = parts.findLastIndex((p) => "toolCallId" in p && p.toolCallId === chunk.toolCallId);
  const before = parts[at] as ToolPart | undefined;
  const toolName = "toolName" in chunk ? chunk.toolName : (before?.toolName ?? "unknown");
  const dynamic = "dynamic" in chunk ? chunk.dynamic : before?.type === "dynamic-tool";
  const base = {
    inputText: "",
    ...before,
    type: dynamic ? ("dynamic-tool" as const) : (`tool-${toolName}` as const),
    toolCallId: chunk.toolCallId,
    toolName,
  };
  return replaceAt(parts, at, { ...base, ...toolChange(base.inputText, chunk) });
}

function toolChange(inputText: string, chunk: ToolChunk): Pick<ToolPart, "state"> {
  switch (chunk.type) {
    case "tool-input-start":
      return { state: "input-streaming" };
    case "tool-input-delta": {
      const change = { inputText: inputText + chunk.inputTextDelta };
      return { state: "input-streaming", ...change };
    }
    case "tool-input-available": {
      const change = { input: chunk.input };
      return { state: "input-available", ...change };
    }
    case "tool-output-available": {
      const change = { output: chunk.output };
      return { state: "output-available", ...change };
    }
    case "tool-input-error":
    case "tool-output-error": {
      const change = { errorText: chunk.errorText };
      return { state: "output-error", ...change };
    }
  }
}

function applyData(parts: Parts, chunk: DataChunk): Parts {
  if (chunk.transient) return parts;
  const part: DataPart = {
    type: chunk.type,
    data: chunk.data,
    ...(chunk.id === undefined ? {} : { id: chunk.id }),
  };
  return replaceAt(
    parts,
    chunk.id === undefined ? -1 : findLast(parts, chunk.type, chunk.id),
    part,
  );
}

/** `data-reset`: a step starts over, so what it said before is taken back. */
function withoutNamed(parts: Parts, data: unknown): Parts {
  const named = new Set((data as { parts?: readonly string[] } | null)?.parts ?? []);
  return parts.filter((part) => {
    const id = "toolCallId" in part ? part.toolCallId : "id" in part ? part.id : undefined;
    return id === undefined || !named.has(id);
  });
}

function findLast(parts: Parts, type: string, id: string): number {
  return parts.findLastIndex((part) => part.type === type && "id" in part && part.id === id);
}

/** A copy with the part at the place replaced, or appended when the place is -1. */
function replaceAt(parts: Parts, at: number, part: MessagePart): Parts {
  return at < 0 ? [...parts, part] : parts.with(at, part);
}

function mergeMetadata(
  before: Readonly<Record<string, unknown>>,
  change: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  const merged: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(change ?? {})) {
    const old = merged[key];
    merged[key] = isObject(old) && isObject(value) ? mergeMetadata(old, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
