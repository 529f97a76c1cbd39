/** A sleep that can be cut short. A ring while nobody sleeps is not remembered. */
export interface Alarm {
  ring(): void;
  /** Resolves after the delay or at the next ring; with `Infinity`, at the ring alone. */
  sleep(delayMs: number): Promise<void>;
}

export function createAlarm(): Alarm {
  let wake: (() => void) | null = null;
  return {
    ring: () => wake?.(),
    sleep: (delayMs) =>
      new Promise((resolve) => {
        const timer = delayMs === Infinity ? undefined : setTimeout(resolve, delayMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
  };
}
