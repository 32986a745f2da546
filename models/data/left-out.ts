/** Counts of what lies in the data and is not read, by kind: nothing is passed over without a word. */
export type LeftOut = Map<string, number>;

export function leaveOut(leftOut: LeftOut, kind: string, count = 1): void {
  leftOut.set(kind, (leftOut.get(kind) ?? 0) + count);
}

/** `12 × .heic, 1 × .db` */
export function counted(leftOut: LeftOut): string {
  return Array.from(leftOut, ([kind, count]) => `${count} × ${kind}`).join(', ');
}
