// How much of the screen's top the bar covers, for the style sheets: it has two lines on a phone, and more for a problem.

/** The `ref` of the bar: `--bar-covers` is its height for as long as it is there. */
export function tellHeight(bar: HTMLElement | null): (() => void) | undefined {
  if (bar === null) return undefined;
  const { style } = document.documentElement;
  const observer = new ResizeObserver(() => style.setProperty('--bar-covers', `${bar.offsetHeight}px`));
  observer.observe(bar);
  return () => {
    observer.disconnect();
    style.removeProperty('--bar-covers');
  };
}
