// A file that is read in pieces.

import { openNamedFile } from '../../files/folder.ts';

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
  const { size } = await handle.stat();
  return {
    path,
    bytes: size,
    async read(start, end) {
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0)
          throw new Error(`${path} ends at byte ${start + filled}, where ${end} was expected.`);
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
