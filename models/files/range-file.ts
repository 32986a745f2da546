// A file that is read in pieces.

import { openNamedFile, readRange } from './folder.ts';

export interface RangeFile {
  readonly path: string;
  readonly bytes: number;
  /** Bytes [start, end); rejects where the file is shorter. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** @param advice a sentence on what to do where there is none */
export async function openRangeFile(path: string, advice: string): Promise<RangeFile> {
  const handle = await openNamedFile(path, advice);
  const found = await handle.stat();
  if (found.isDirectory()) {
    await handle.close();
    throw new Error(`${path} could not be read: it is a folder, not a file. ${advice}`);
  }
  return {
    path,
    bytes: found.size,
    read: (start, end) => readRange(handle, path, start, end),
    close: () => handle.close(),
  };
}
