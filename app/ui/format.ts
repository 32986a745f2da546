// Numbers as people read them.

const count = new Intl.NumberFormat('en');

export function formatCount(value: number, one: string, many: string): string {
  return `${count.format(value)} ${value === 1 ? one : many}`;
}

/** A probability among rivals as per cent. A softmax comes to exactly 1 and 0 by rounding alone, so it never reads 100 or 0. */
export function formatProbability(probability: number): string {
  if (probability >= 0.995) return '>99 %';
  if (probability < 0.005) return '<1 %';
  return `${Math.round(probability * 100)} %`;
}

/** Three decimals, with a true minus sign. */
export function formatCosine(cosine: number): string {
  return cosine.toFixed(3).replace('-', '−');
}

/** In megabytes of a million, as browsers and disks count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

export function formatMilliseconds(ms: number): string {
  return ms < 10
    ? `${ms.toFixed(1)} ms`
    : ms < 1_000
      ? `${Math.round(ms)} ms`
      : `${(ms / 1000).toFixed(1)} s`;
}
