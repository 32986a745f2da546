// How far a model's load is, in words.

import type { LoadProgress } from '../inference/types.ts';
import { formatBytes } from '../ui/format.ts';

export function loadingWords(progress: LoadProgress | null): string {
  if (progress === null) return 'Loading the model…';
  switch (progress.stage) {
    case 'download':
      return `Loading the model: ${formatBytes(progress.loadedBytes)} of ${formatBytes(progress.totalBytes)}`;
    case 'compile':
      return 'Preparing the model…';
    case 'self-test':
      return 'Checking this device…';
    default:
      return progress.stage satisfies never;
  }
}
