import type { StepProgress } from "@tidewire/client";

interface StepsProps {
  readonly steps: readonly StepProgress[];
  readonly running: boolean;
}

export function Steps({ steps, running }: StepsProps) {
  if (steps.length === 0) {
    return running ? <p className="starting">Starting…</p> : null;
  }
  const open = running || steps.some((step) => step.status === "failed");
  return (
    <details className="steps" open={open}>
      <summary>{summaryOf(steps, running)}</summary>
      <ol aria-label="Steps">
        {steps.map((step) => (
          <StepView key={step.step} step={step} running={running} />
        ))}
      </ol>
    </details>
  );
}

function StepView({ step, running }: { readonly step: StepProgress; readonly running: boolean }) {
  const stopped = !running && (step.status === "started" || step.status === "retrying");
  return (
    <li data-testid="step" data-step={step.step} data-status={step.status} data-stopped={stopped}>
      <span className="sign" aria-hidden="true" />
      <span className="name">{nameOf(step.step)}</span>
      <span className="state">{stopped ? "stopped" : stateOf(step)}</span>
      {step.message !== undefined && <span className="detail">{step.message}</span>}
      <Counts counts={step.counts ?? {}} said={step.message ?? ""} />
    </li>
  );
}

interface CountsProps {
  readonly counts: Readonly<Record<string, number>>;
  /** What the step said in words: a number that it mentioned is not shown twice. */
  readonly said: string;
}

function Counts({ counts, said }: CountsProps) {
  const unsaid = Object.entries(counts).filter(([, count]) => !said.includes(String(count)));
  if (unsaid.length === 0) return null;
  const words = unsaid.map(([name, count]) => `${count} ${nameOf(name).toLowerCase()}`);
  return <span className="detail">{words.join(" · ")}</span>;
}

function stateOf({ status, attempt }: StepProgress): string {
  switch (status) {
    case "started":
      return attempt !== undefined && attempt > 1 ? `attempt ${attempt}` : "working";
    case "retrying":
      return "trying again";
    case "completed":
      return "done";
    default:
      return status;
  }
}

function summaryOf(steps: readonly StepProgress[], running: boolean): string {
  if (running) return "Working";
  const done = steps.filter((step) => step.status === "completed").length;
  return done === steps.length ? `${done} steps` : `${done} of ${steps.length} steps`;
}

function nameOf(slug: string): string {
  const words = slug.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
