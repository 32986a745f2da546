// Every reader that takes files from outside.

import { archiveTarget, pickleTarget, safetensorsTarget, shardsTarget } from './checkpoints.ts';
import {
  folderTarget,
  gzipTarget,
  hubTarget,
  mergesTarget,
  openClipTarget,
  selfTestTarget,
  tokenizerTarget,
} from './folders.ts';
import { graphTarget } from './graphs.ts';
import { pictureTarget } from './pictures.ts';
import type { Target } from './target.ts';

/** By their names, each to be made ready. */
export const TARGETS: Readonly<Record<string, () => Promise<Target> | Target>> = {
  safetensors: safetensorsTarget,
  shards: shardsTarget,
  archive: archiveTarget,
  pickle: pickleTarget,
  graph: graphTarget,
  folder: folderTarget,
  tokenizer: tokenizerTarget,
  merges: mergesTarget,
  gzip: gzipTarget,
  selftest: selfTestTarget,
  openclip: openClipTarget,
  hub: hubTarget,
  picture: pictureTarget,
};
