import { createAlarm } from "./alarm.js";
import { delayAfter } from "./patience.js";

interface Reader<T> {
  read(signal: AbortSignal): Promise<T>;
  show(result: T): void;
  /** `failures` counts those in a row; the next try follows by itself. */
  failed(error: unknown, failures: number): void;
}

/**
 * Reads at once, and again whenever the returned function is called, until the signal aborts. There
 * is one reading at a time, however often it is called.
 */
export function keepRead<T>(reader: Reader<T>, signal: AbortSignal): () => void {
  const alarm = createAlarm();
  let wanted = true;
  const readOnAndOn = async () => {
    let shown = false;
    for (let failures = 0; !signal.aborted;) {
      wanted = false;
      try {
        const result = await reader.read(signal);
        if (signal.aborted) return;
        failures = 0;
        // A reading that another call has overtaken may lack what that call was about.
        if (!wanted || !shown) reader.show(result);
        shown = true;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        reader.failed(error, failures);
      }
      if (!wanted) await alarm.sleep(failures === 0 ? Infinity : delayAfter(failures));
    }
  };
  signal.addEventListener("abort", alarm.ring);
  void readOnAndOn();
  return () => {
    wanted = true;
    alarm.ring();
  };
}
