import type { ReactNode } from "react";

interface NoticeProps {
  readonly kind: "error" | "info";
  readonly children: ReactNode;
  readonly action?: string;
  readonly onAction?: () => void;
}

/** Something the reader should know, and what they can do about it. */
export function Notice({ kind, children, action, onAction }: NoticeProps) {
  return (
    <div className={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      <p>{children}</p>
      {action !== undefined && (
        <button type="button" className="quiet" data-testid="retry" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  );
}
