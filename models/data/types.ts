// The shape of image-text data, wherever it lies. Types only.

export interface PairText {
  /** Where the row lies, for messages and as its identity, of no other row: `train/cats_dogs.parquet row 12`, `animals/cat/1.jpg`. */
  readonly id: string;
  /** The class's names, each acceptable: synonyms, or a fine and a coarse name. Empty where a row has captions alone. */
  readonly labels: readonly string[];
  readonly captions: readonly string[];
  /** The data set that the row comes from. */
  readonly source: string;
  /** How many times an epoch of training shows the row: once where it is left out. */
  readonly times?: number;
}

export interface PairRow extends PairText {
  /** The picture as it is encoded: WebP, JPEG, PNG … */
  readonly image: Uint8Array;
}

/** Rows of pictures with words, numbered from 0. */
export interface PairSource {
  readonly name: string;
  readonly length: number;
  /** A row's words alone, at no cost. */
  text(index: number): PairText;
  row(index: number): Promise<PairRow>;
}
