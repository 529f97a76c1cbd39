/**
 * Calls back when the page is looked at again or the network returns: what was missed meanwhile
 * announces itself to nobody. Returns how to stop.
 */
export function whenPageReturns(callback: () => void): () => void {
  const callIfVisible = () => {
    if (document.visibilityState === "visible") callback();
  };
  window.addEventListener("online", callback);
  window.addEventListener("pageshow", callback);
  document.addEventListener("visibilitychange", callIfVisible);
  return () => {
    window.removeEventListener("online", callback);
    window.removeEventListener("pageshow", callback);
    document.removeEventListener("visibilitychange", callIfVisible);
  };
}
