/**
 * A tar file as a list of its files with the place of each one's bytes, so that they can be read later without the rest. Headers are
 * node-tar's to read (checksums, long names, sizes beyond 8 GB); the walk from one to the next is here, because no
 * library tells the places: nanotar would need the whole archive in memory (and cuts names at a space), streaming ones hand on the
 * bytes alone.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Header, type HeaderData, Pax } from 'tar';
import { messageOf } from '../clip/message-of.ts';

export interface TarEntry {
  /** As it is packed: `00000/000012.jpg`. */
  readonly name: string;
  /** False for links, devices and the like; folders are not listed. */
  readonly isFile: boolean;
  readonly offset: number;
  readonly length: number;
}

const BLOCK = 512;
/** A long name or a list of attributes; more would be held in memory for a damaged header's sake. */
const MAX_EXTENSION_BYTES = 2 ** 20;
/** Holds a small file and the headers around it, so that a sample's words and the next header come in one read. */
const WINDOW_BYTES = 2 ** 14;

const FILES: readonly string[] = ['File', 'OldFile', 'ContiguousFile'];

export interface TarReader {
  entries(): AsyncGenerator<TarEntry>;
  read(entry: TarEntry): Promise<Buffer>;
  close(): Promise<void>;
}

/** Throws a sentence where the file is no tar file, or ends in the middle. */
export async function openTar(path: string): Promise<TarReader> {
  const refused = (found: string, cause?: unknown) =>
    new Error(
      `Reading ${path}: found ${found}, expected a sound tar file that is not compressed. Check that it is complete, or unpack its compression.`,
      { cause },
    );
  const handle = await open(path).catch((cause: unknown) => {
    throw refused(`that it cannot be opened (${messageOf(cause)})`, cause);
  });
  const { size } = await handle.stat();
  const windowed = windowedReader(handle);

  async function bytesAt(offset: number, length: number): Promise<Buffer> {
    if (offset + length > size)
      throw refused(`that it ends at byte ${size}, in the middle of ${length} bytes at byte ${offset}`);
    return windowed(offset, length);
  }

  async function* entries(): AsyncGenerator<TarEntry> {
    let extended: HeaderData | undefined;
    let common: HeaderData | undefined;
    let offset = 0;
    // Some writers leave out the two empty blocks at the end.
    while (offset + BLOCK <= size) {
      const header = new Header(await bytesAt(offset, BLOCK), 0, extended, common);
      if (header.nullBlock) return;
      if (!header.cksumValid || header.path === undefined || header.size === undefined)
        throw refused(`no sound header at byte ${offset}`);
      const { path: name, type } = header;
      const from = offset + BLOCK;
      const length = header.size;
      offset = from + Math.ceil(length / BLOCK) * BLOCK;
      const extension = async () => {
        if (length > MAX_EXTENSION_BYTES) throw refused(`a header of ${length} bytes at byte ${from}`);
        return (await bytesAt(from, length)).toString();
      };
      if (type === 'ExtendedHeader' || type === 'OldExtendedHeader')
        extended = Pax.parse(await extension(), extended);
      else if (type === 'GlobalExtendedHeader') common = Pax.parse(await extension(), common, true);
      else if (type === 'NextFileHasLongPath' || type === 'OldGnuLongPath')
        extended = { ...extended, path: (await extension()).replace(/\0.*$/s, '') };
      else if (type !== 'NextFileHasLongLinkpath') {
        extended = undefined;
        const isFile = FILES.includes(type);
        if (isFile && from + length > size)
          throw refused(`that it ends at byte ${size}, in the middle of ${name}`);
        if (type !== 'Directory') yield { name, isFile, offset: from, length };
      }
    }
    if (offset === 0) throw refused(`${size} bytes, less than a header`);
  }

  return { entries, read: ({ offset, length }) => bytesAt(offset, length), close: () => handle.close() };
}

/** Reads a little ahead, from a file that is read from front to back in small pieces. */
function windowedReader(handle: FileHandle): (offset: number, length: number) => Promise<Buffer> {
  let start = 0;
  let window = Buffer.alloc(0);
  return async (offset, length) => {
    if (offset < start || offset + length > start + window.length) {
      const bytes = Buffer.alloc(Math.max(length, WINDOW_BYTES));
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled);
        if (bytesRead === 0) throw new Error(`The file became shorter than ${offset + length} bytes.`);
        filled += bytesRead;
      }
      [start, window] = [offset, bytes.subarray(0, filled)];
    }
    return window.subarray(offset - start, offset - start + length);
  };
}
