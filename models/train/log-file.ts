// A file that a run adds to as it goes on. One that cannot be written is told of once: it is no reason to end the run.

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../clip/message-of.ts';

export interface LogFile {
  write(content: string | Uint8Array): void;
  /** What is written afterwards opens it again. */
  close(): void;
}

/** Nothing is there before the first write, neither the file nor its folder. */
export function openLogFile(path: string): LogFile {
  let file: number | null = null;
  let failed = false;
  return {
    write(content) {
      if (failed) return;
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      try {
        if (file === null) {
          mkdirSync(dirname(path), { recursive: true });
          file = openSync(path, 'a');
        }
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      } catch (error) {
        failed = true;
        console.warn(`${path} is no longer written: ${messageOf(error)}. The run goes on.`);
      }
    },
    close() {
      if (file !== null) closeSync(file);
      file = null;
    },
  };
}
