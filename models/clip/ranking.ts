// Zero-shot ranking: a photograph's vector against the labels' vectors. All vectors are unit vectors, so a cosine is a dot
// product. A label of several prompts is their mean, made unit again (the CLIP paper, section 3.1.4). Probabilities are
// softmax(logitScale · cosine) over all labels, whatever `topK` shows.
//
// Cosines are the costly part (one multiplication per photograph, label and dimension) and change only with their own
// photograph and label: `createCosineTable` keeps them, `rankCosines` is what a changed order or a new label then costs.

/** One label's place in a photograph's ranking. */
export interface RankedLabel {
  /** Position in the list of labels. */
  readonly index: number;
  /** -1 to 1. */
  readonly cosine: number;
  /** 0 to 1; all labels' together are 1, so a label without rivals always has 1. */
  readonly probability: number;
}

export interface RankingOptions {
  /** What cosines are multiplied by before the softmax: the folder's `logitScale`. */
  readonly logitScale: number;
  /** How many to return; all by default. */
  readonly topK?: number;
}

/** Vectors of one length, row by row in one array: [rows, dim]. */
export interface VectorMatrix {
  readonly data: Float32Array<ArrayBuffer>;
  readonly rows: number;
  readonly dim: number;
}

/** `vector` with length 1. Throws where it has no direction: that is a broken device or model, never a ranking. */
export function normalize(vector: Float32Array): Float32Array<ArrayBuffer> {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i] * vector[i];
  const length = Math.sqrt(squares);
  if (!(length > 0 && length < Infinity)) {
    throw new Error(
      `A vector of ${vector.length} numbers has length ${length} and so no direction; the model's output is damaged.`,
    );
  }
  return Float32Array.from(vector, (value) => value / length);
}

/**
 * One unit vector a label from the unit vectors of its prompts, which lie label by label as `expandPrompts` orders them:
 * their mean, made unit again.
 */
export function ensemble(
  vectors: readonly Float32Array[],
  templatesPerLabel: number,
): Float32Array<ArrayBuffer>[] {
  if (
    !Number.isInteger(templatesPerLabel) ||
    templatesPerLabel < 1 ||
    vectors.length % templatesPerLabel !== 0
  ) {
    throw new Error(
      `${vectors.length} prompts do not make whole labels of ${templatesPerLabel} templates each.`,
    );
  }
  const labels: Float32Array<ArrayBuffer>[] = [];
  for (let first = 0; first < vectors.length; first += templatesPerLabel) {
    const sum = new Float32Array(vectors[first].length);
    for (let t = first; t < first + templatesPerLabel; t++) {
      const vector = vectors[t];
      sameLength(sum, vector);
      for (let i = 0; i < sum.length; i++) sum[i] += vector[i];
    }
    labels.push(normalize(sum));
  }
  return labels;
}

function sameLength(a: Float32Array, b: Float32Array): void {
  if (a.length === b.length) return;
  throw new Error(
    `Vectors of ${a.length} and ${b.length} numbers cannot be compared; they come from different models.`,
  );
}

/** Dot product of two unit vectors. */
export function cosine(a: Float32Array, b: Float32Array): number {
  sameLength(a, b);
  return dot(a, b, 0);
}

/** Vectors copied into one [rows, dim] array. */
export function packVectors(vectors: readonly Float32Array[]): VectorMatrix {
  const dim = vectors[0]?.length ?? 0;
  const data = new Float32Array(vectors.length * dim);
  for (const [row, vector] of vectors.entries()) {
    if (vector.length !== dim) {
      throw new Error(
        `Vectors of ${dim} and ${vector.length} numbers cannot be compared; they come from different models.`,
      );
    }
    data.set(vector, row * dim);
  }
  return { data, rows: vectors.length, dim };
}

/** Cosines of one photograph with every label: [labels.rows]. */
export function cosines(image: Float32Array, labels: VectorMatrix): Float32Array<ArrayBuffer> {
  if (labels.rows > 0 && image.length !== labels.dim) {
    throw new Error(
      `Vectors of ${image.length} and ${labels.dim} numbers cannot be compared; they come from different models.`,
    );
  }
  const all = new Float32Array(labels.rows);
  for (let row = 0; row < labels.rows; row++) all[row] = dot(image, labels.data, row * labels.dim);
  return all;
}

/** Labels by falling cosine, equal ones in the order of the labels. */
export function rankCosines(all: Float32Array, { logitScale, topK }: RankingOptions): RankedLabel[] {
  const best = topIndices(all, Math.min(topK ?? all.length, all.length));
  let largest = -Infinity;
  for (let i = 0; i < all.length; i++) if (all[i] > largest) largest = all[i];
  let total = 0;
  for (let i = 0; i < all.length; i++) total += Math.exp(logitScale * (all[i] - largest));
  return best.map((index) => ({
    index,
    cosine: all[index],
    probability: Math.exp(logitScale * (all[index] - largest)) / total,
  }));
}

/** `rankCosines` of one photograph with labels given one by one or packed. */
export function rank(
  image: Float32Array,
  labels: readonly Float32Array[] | VectorMatrix,
  options: RankingOptions,
): RankedLabel[] {
  return rankCosines(cosines(image, 'data' in labels ? labels : packVectors(labels)), options);
}

/** Cosines of photographs with labels, kept from call to call. */
export interface CosineTable {
  /** Cosines of `image` with each of `labels`; only those of a new photograph or a new label are computed. */
  row(image: Float32Array, labels: readonly Float32Array[]): Float32Array<ArrayBuffer>;
}

/** A table that knows vectors by identity: the same arrays must come back. A photograph that is forgotten takes its row along. */
export function createCosineTable(): CosineTable {
  interface Row {
    readonly labels: readonly Float32Array[];
    readonly cosines: Float32Array<ArrayBuffer>;
  }
  const unseen: Row = { labels: [], cosines: new Float32Array(0) };
  const rows = new WeakMap<Float32Array, Row>();
  // Where each label of the one list stands in the other: the same for all photographs, so made once for all.
  let places: { from: readonly Float32Array[]; to: readonly Float32Array[]; of: Int32Array } | null = null;

  function placesOf(from: readonly Float32Array[], to: readonly Float32Array[]): Int32Array {
    if (places?.from !== from || places.to !== to) {
      const known = new Map(from.map((label, place) => [label, place]));
      places = { from, to, of: Int32Array.from(to, (label) => known.get(label) ?? -1) };
    }
    return places.of;
  }

  return {
    row(image, labels) {
      const before = rows.get(image) ?? unseen;
      if (before.labels === labels) return before.cosines;
      const known = placesOf(before.labels, labels);
      const now = new Float32Array(labels.length);
      for (let i = 0; i < now.length; i++) {
        now[i] = known[i] >= 0 ? before.cosines[known[i]] : cosine(image, labels[i]);
      }
      rows.set(image, { labels, cosines: now });
      return now;
    },
  };
}

/** Indices of the `count` largest values, largest first, equal ones by index. */
function topIndices(values: Float32Array, count: number): number[] {
  if (count > 64) {
    const order = Array.from(values.keys());
    return order.sort((a, b) => values[b] - values[a] || a - b).slice(0, count);
  }
  // A few of many: one pass that keeps them sorted is an order of magnitude faster than sorting all.
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === count && !(count > 0 && values[i] > values[best[count - 1]])) continue;
    let place = best.length;
    while (place > 0 && values[i] > values[best[place - 1]]) place--;
    best.splice(place, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}

/** Dot product of `a` with as many values of `b` from `offset`; four sums, so that one addition need not wait for the last. */
function dot(a: Float32Array, b: Float32Array, offset: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length - (a.length % 4);
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i] * b[offset + i];
    s1 += a[i + 1] * b[offset + i + 1];
    s2 += a[i + 2] * b[offset + i + 2];
    s3 += a[i + 3] * b[offset + i + 3];
  }
  for (let i = whole; i < a.length; i++) s0 += a[i] * b[offset + i];
  return s0 + s1 + (s2 + s3);
}
