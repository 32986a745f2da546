// Our own small set of line icons, drawn on a grid of 20.

const PATHS = {
  add: 'M10 4v12M4 10h12',
  close: 'M5 5l10 10M15 5L5 15',
  undo: 'M7.5 4.5L4 8l3.5 3.5M4 8h7.5a4 4 0 0 1 0 8H8',
  list: 'M4 5.5h12M4 10h12M4 14.5h8',
  grid: 'M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z',
  table: 'M3.5 4.5h13v11h-13zM3.5 8.5h13M8 4.5v11',
  folder: 'M3 6a1 1 0 0 1 1-1h4l1.7 2H16a1 1 0 0 1 1 1v6.5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z',
  download: 'M10 3.5v9M6.5 9.5L10 13l3.5-3.5M4 16.5h12',
  trash: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10.5h7.6L14.5 6M8.5 9v4.5M11.5 9v4.5',
  chevron: 'M5.5 8l4.5 4.5L14.5 8',
  left: 'M12 5l-5 5 5 5',
  right: 'M8 5l5 5-5 5',
  lock: 'M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  warning: 'M10 3.5L17.5 16.5h-15zM10 8v4M10 14.3v.2',
  check: 'M4.5 10.5l3.5 3.5 7.5-8',
  picture: 'M3 4.5h14v11H3zM3 13l4-4 3.5 3.5L13 10l4 4M13.5 7.5v.1',
  models: 'M10 3l7 3.5-7 3.5-7-3.5zM3 10l7 3.5 7-3.5M3 13.5L10 17l7-3.5',
  retry: 'M15.5 10a5.5 5.5 0 1 1-1.6-3.9M15.5 3v3.5H12',
} as const;

type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a lens that ranks words. */
export function Mark() {
  return (
    <svg
      aria-hidden="true"
      className="mark"
      width="28"
      height="28"
      viewBox="0 0 28 28"
      fill="none"
      strokeLinecap="round"
    >
      <circle className="mark-ring" cx="12.5" cy="12.5" r="9.25" strokeWidth="2.5" />
      <path className="mark-ring" d="M19.4 19.4L25 25" strokeWidth="2.5" />
      <path className="mark-best" d="M8.3 9h8.4" strokeWidth="2.2" />
      <path className="mark-rest" d="M8.3 12.7h5.2M8.3 16.4h2.6" strokeWidth="2.2" />
    </svg>
  );
}
