import { useEffect, useState } from "react";

/** The thread the page shows: its id lives in the address, so a reload or a link shows it again. */
export function useThreadId(): [string, () => void] {
  const [threadId, setThreadId] = useState(threadIdInAddress);
  useEffect(() => {
    const follow = () => setThreadId(threadIdInAddress());
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return [
    threadId,
    () => {
      window.location.hash = newId();
    },
  ];
}

function threadIdInAddress(): string {
  const id = window.location.hash.slice(1);
  if (/^[A-Za-z0-9_-]{1,64}$/.test(id)) return id;
  const fresh = newId();
  window.history.replaceState(null, "", `#${fresh}`);
  return fresh;
}

/** An id that works without a secure context too, where `crypto.randomUUID` is missing. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
