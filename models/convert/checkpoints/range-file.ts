// A file that is read in pieces.

import { type FileHandle, open } from 'node:fs/promises';

export interface RangeFile {
  readonly path: string;
  readonly bytes: number;
  /** Bytes [start, end); rejects where the file is shorter. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

export async function openRangeFile(path: string): Promise<RangeFile> {
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(
      code === 'ENOENT'
        ? `There is no ${path}. Name a checkpoint: a .safetensors, .pt or .bin file, or a folder with one.`
        : `${path} could not be read: ${message}.`,
      { cause },
    );
  }
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
