import type { MessagePart, StepProgress } from "@tidewire/client";

/** The steps of a kept message in the order in which they began. */
export function stepsOf(parts: readonly MessagePart[]): StepProgress[] {
  return parts.flatMap((part) =>
    part.type === "data-progress" && "data" in part ? [part.data as StepProgress] : [],
  );
}

/**
 * The steps with one more progress entry. Within an attempt, what a step said last and what it
 * counted stay with it when a later entry says nothing.
 */
export function withProgress(
  steps: readonly StepProgress[],
  entry: StepProgress,
): readonly StepProgress[] {
  const at = steps.findIndex((step) => step.step === entry.step);
  const before = steps[at];
  if (before === undefined) return [...steps, entry];
  const kept = before.attempt === entry.attempt && entry.status !== "retrying" ? before : {};
  return steps.with(at, { ...kept, ...entry });
}
