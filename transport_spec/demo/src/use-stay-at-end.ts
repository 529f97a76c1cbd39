import { type RefObject, useEffect, useRef } from "react";

/** How near the end of the page counts as reading along. */
const NEAR_PX = 120;

/**
 * Keeps the end of a growing element in view, unless its reader has scrolled up. A new `turn` (what
 * was just asked) brings the end back.
 */
export function useStayAtEnd<T extends HTMLElement>(turn: string | null): RefObject<T | null> {
  const element = useRef<T>(null);
  const readingAlong = useRef(true);

  useEffect(() => {
    const page = document.documentElement;
    let top = page.scrollTop;
    const noteScroll = () => {
      const below = page.scrollHeight - page.scrollTop - page.clientHeight;
      // Only a move upwards leaves the end: growth alone makes it distant too.
      if (below < NEAR_PX) readingAlong.current = true;
      else if (page.scrollTop < top) readingAlong.current = false;
      top = page.scrollTop;
    };
    const growth = new ResizeObserver(() => {
      if (readingAlong.current) showEnd(page, element.current);
    });
    if (element.current) growth.observe(element.current);
    window.addEventListener("scroll", noteScroll, { passive: true });
    return () => {
      growth.disconnect();
      window.removeEventListener("scroll", noteScroll);
    };
  }, []);

  useEffect(() => {
    if (turn !== null) readingAlong.current = true;
  }, [turn]);

  return element;
}

/** Shows the end, or of sources that are listed there their beginning: the answer stays in view. */
function showEnd(page: HTMLElement, list: HTMLElement | null): void {
  const listed = list?.lastElementChild?.querySelector("details.sources[open] > summary");
  if (listed) listed.scrollIntoView({ block: "nearest" });
  else page.scrollTop = page.scrollHeight;
}
