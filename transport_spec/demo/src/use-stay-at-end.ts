import { type RefObject, useEffect, useRef } from "react";

/** How near the end of the page counts as reading along. */
const NEAR_PX = 120;

/** Keeps the end of a growing element in view, unless the reader has scrolled away from it. */
export function useStayAtEnd<T extends HTMLElement>(): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => {
    const page = document.documentElement;
    let readingAlong = true;
    const note = () => {
      readingAlong = page.scrollHeight - page.scrollTop - page.clientHeight < NEAR_PX;
    };
    const growth = new ResizeObserver(() => {
      if (readingAlong) page.scrollTop = page.scrollHeight;
    });
    if (element.current) growth.observe(element.current);
    window.addEventListener("scroll", note, { passive: true });
    return () => {
      growth.disconnect();
      window.removeEventListener("scroll", note);
    };
  }, []);
  return element;
}
