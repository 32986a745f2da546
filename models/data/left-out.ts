/** Counts of what lies in the data and is not read, by kind: nothing is passed over without a word. */
export type LeftOut = Map<string, number>;

export function leaveOut(leftOut: LeftOut, kind: string, count = 1): void {
  leftOut.set(kind, (leftOut.get(kind) ?? 0) + count);
}

/** `12 × .heic, 1 × .db` */
export function counted(leftOut: LeftOut): string {
  return Array.from(leftOut, ([kind, count]) => `${count} × ${kind}`).join(', ');
}

/** What a decoder of UTF-8 puts in the place of bytes that are none. */
const REPLACEMENT = '\ufffd';

/** The words that came as UTF-8. The others are or were once read in the wrong encoding: no tokenizer knows them. */
export function inUtf8(
  words: readonly string[],
  leftOut: LeftOut,
  what: 'caption' | 'label' = 'caption',
): string[] {
  return words.filter((word) => {
    const isSound = !word.includes(REPLACEMENT);
    if (!isSound) leaveOut(leftOut, `${what} with U+FFFD, which stands where text was not UTF-8`);
    return isSound;
  });
}
