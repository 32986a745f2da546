// What every row that needs a browser is given.

import type { Browser } from '@playwright/test';
import type { BenchModel } from '../models.ts';
import type { Site } from '../site.ts';

export interface Setting {
  readonly browser: Browser;
  readonly site: Site;
  /** The product's own model, or one of its size. */
  readonly mini: BenchModel;
  readonly vitB32: BenchModel;
  /** Threads that the product takes on this machine. */
  readonly threads: number;
  /** Tiny counts, to see that everything works. */
  readonly quick: boolean;
  /** For the row of that. */
  readonly manyPhotographs: number;
}
