// A quantity over the steps of a run, as many points as a drawing can show and no more, whatever the run's length: neighbouring
// steps share a bucket, and where there are too many buckets, each two become one.

export interface Point {
  readonly step: number;
  readonly value: number;
}

interface Bucket {
  readonly count: number;
  /** Sums over the bucket. */
  readonly steps: number;
  readonly values: number;
  readonly low: Point;
  readonly high: Point;
}

/** More than a drawing of a phone's width has pixels to tell apart; two extremes in each are 600 points. */
const MOST_BUCKETS = 300;

/** Share of the curve over which it is smoothed, to each side. */
const REACH = 0.03;

export class Curve {
  #buckets: Bucket[] = [];
  /** Steps that share a bucket. */
  #width = 1;

  /** Steps come in their order; one that is no number is passed over. */
  add(step: number, value: number): void {
    if (!Number.isFinite(value)) return;
    while (this.#place(step) >= MOST_BUCKETS) this.#halve();
    const last = this.#buckets.at(-1);
    const point = { step, value };
    const own = { count: 1, steps: step, values: value, low: point, high: point };
    if (last && this.#place(last.low.step) === this.#place(step))
      this.#buckets.splice(-1, 1, both(last, own));
    else this.#buckets.push(own);
  }

  /** The extremes, in the order of their steps: a spike is seen however many steps there are. */
  get raw(): Point[] {
    return this.#buckets.flatMap(({ low, high }) => {
      if (low === high) return [low];
      return low.step < high.step ? [low, high] : [high, low];
    });
  }

  /** Means over neighbouring steps. */
  get smoothed(): Point[] {
    const reach = Math.floor(REACH * this.#buckets.length);
    return this.#buckets.map((bucket, i) => {
      const near = this.#buckets.slice(Math.max(0, i - reach), i + reach + 1);
      const count = near.reduce((sum, { count }) => sum + count, 0);
      const values = near.reduce((sum, { values }) => sum + values, 0);
      return { step: bucket.steps / bucket.count, value: values / count };
    });
  }

  #place(step: number): number {
    return Math.floor((step - 1) / this.#width);
  }

  #halve(): void {
    this.#width *= 2;
    const halved: Bucket[] = [];
    for (const bucket of this.#buckets) {
      const last = halved.at(-1);
      if (last && this.#place(last.low.step) === this.#place(bucket.low.step)) {
        halved.splice(-1, 1, both(last, bucket));
      } else halved.push(bucket);
    }
    this.#buckets = halved;
  }
}

function both(a: Bucket, b: Bucket): Bucket {
  return {
    count: a.count + b.count,
    steps: a.steps + b.steps,
    values: a.values + b.values,
    low: b.low.value < a.low.value ? b.low : a.low,
    high: b.high.value > a.high.value ? b.high : a.high,
  };
}
