export * from "./chunk.js";
export type { Clock } from "./clock.js";
export * from "./commands.js";
export { LogPurgedError, StreamTimeoutError, type TidewireCode, TidewireError } from "./errors.js";
export { followLog, type LogEvent, type LogIO } from "./follow-log.js";
export { defaultLimits, type FollowLimits, type FollowStatus } from "./follow-status.js";
export { type FollowRunOptions, followRun, type RunEvent } from "./follow-run.js";
export type { Hint } from "./inbox.js";
export { type LiveMessage, parseLiveMessage } from "./live-message.js";
export type { LogPage, ReadPage } from "./log-page.js";
export * from "./message.js";
export { logReader } from "./read-log.js";
export {
  type ChunkRow,
  entriesAfter,
  type RunState,
  supabaseTables,
  type TableIO,
  tableReader,
} from "./read-table.js";
export type { Supabase } from "./supabase.js";
