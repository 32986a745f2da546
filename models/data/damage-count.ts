/** Damaged pictures as a training run meets them: each is told of once, and where they are most of the data, that is refused. */

/** Where most pictures are damaged the source itself is at fault; the first few do not count yet. */
const MAX_DAMAGED_SHARE = 0.5;
const FEW_DAMAGED = 10;

export interface DamageCount {
  /** Before the damaged ones among them are named. */
  tried(rows: readonly number[]): void;
  /** Throws a sentence where too many are. */
  damaged(row: number, reason: string): void;
}

/** @param name the source's, for the sentence */
export function countDamage(name: string, onDamaged: (message: string) => void): DamageCount {
  const tried = new Set<number>();
  const damaged = new Set<number>();
  return {
    tried(rows) {
      for (const row of rows) tried.add(row);
    },
    damaged(row, reason) {
      if (damaged.has(row)) return;
      damaged.add(row);
      onDamaged(`Skipping a picture: ${reason}`);
      if (damaged.size > Math.max(FEW_DAMAGED, tried.size * MAX_DAMAGED_SHARE))
        throw new Error(
          `Decoding pictures of ${name}: ${damaged.size} of the ${tried.size} pictures tried so far cannot be read or decoded, expected at most half of them. Check that the data is complete and its pictures are JPEG, PNG, WebP, GIF, AVIF or TIFF. The last one: ${reason}`,
        );
    },
  };
}
