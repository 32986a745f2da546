// What the processes that are timed say, as lines of JSON: first who they are, then an answer to each line that they are sent.

/** `step`: a step of training. `product`: a large matrix product, to know what the machine gives; of our side alone. */
export type Request = 'step' | 'product';

export interface Introduction {
  /** What computes, with its version. */
  readonly engine: string;
  /** Trained numbers, without running statistics. */
  readonly parameters: number;
}

export interface OurIntroduction extends Introduction {
  /** Of the matrix products and convolutions of a step, forward and backward. */
  readonly flopsPerStep: number;
  readonly flopsPerProduct: number;
}

export interface Answer {
  readonly ms: number;
  /** Of a step: before its weights changed. */
  readonly loss: number;
}
