/** How long to wait after each failure in a row before the next try; the last one repeats. */
export const PATIENCE_MS = [500, 1_000, 2_000, 4_000, 8_000] as const;

export function delayAfter(failures: number): number {
  return PATIENCE_MS[Math.min(failures, PATIENCE_MS.length) - 1] ?? PATIENCE_MS[0];
}
