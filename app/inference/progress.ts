// Bytes of a load, counted towards a total that is known before the first of them.

import type { LoadProgress } from './types.ts';

/** A bar needs no more than 20 steps a second; the page's thread has other work. */
const MIN_INTERVAL_MS = 50;

export interface ProgressMeter {
  expect(totalBytes: number): void;
  add(bytes: number): void;
  stage(stage: LoadProgress['stage']): void;
}

export function createProgressMeter(report: (progress: LoadProgress) => void): ProgressMeter {
  let loadedBytes = 0;
  let totalBytes = 0;
  let stage: LoadProgress['stage'] = 'download';
  let reportedAt = Number.NEGATIVE_INFINITY;
  const tell = () => {
    reportedAt = performance.now();
    report({ loadedBytes, totalBytes, stage });
  };
  return {
    expect(bytes) {
      totalBytes = bytes;
      tell();
    },
    add(bytes) {
      loadedBytes += bytes;
      if (performance.now() - reportedAt >= MIN_INTERVAL_MS) tell();
    },
    stage(next) {
      stage = next;
      tell();
    },
  };
}
