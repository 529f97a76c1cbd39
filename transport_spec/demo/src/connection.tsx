import type { FollowStatus } from "@tidewire/client";

/** Says how the answer reaches this page, while one does. */
export function Connection({ following }: { readonly following: FollowStatus | null }) {
  const [state, words] = describe(following);
  return (
    <p className="connection" role="status" data-testid="connection" data-state={state}>
      {words}
    </p>
  );
}

function describe(following: FollowStatus | null): [state: string, words: string] {
  if (following === null) return ["idle", "Enter sends, Shift + Enter makes a new line"];
  switch (following.connection) {
    case "connecting":
      return ["connecting", "Connecting…"];
    case "failing":
      return ["failing", "Connection lost. The run goes on; trying to reach it…"];
    case "polling":
      return ["polling", "Live channel not joined; reading the log instead"];
    case "live":
      return ["live", waiting(following) ?? "Live"];
  }
}

function waiting({ waitingFor, runStatus, leaseLive }: FollowStatus): string | null {
  if (waitingFor.includes("thread")) return "Waiting for the answer before this one";
  if (waitingFor.includes("worker")) return "Waiting for a worker";
  if (waitingFor.length > 0) return `Waiting for ${waitingFor.join(", ")}`;
  return runStatus === "queued" && !leaseLive ? "Waiting for a worker" : null;
}
