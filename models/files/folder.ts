// A directory as a folder of files, and files that are there whole or not at all: written beside their place, flushed to the
// disk, then renamed. Nothing that was there before is lost where writing fails.

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf } from '../clip/message-of.ts';
import { isPlainPath } from '../clip/plain-path.ts';
import type { FolderFile, FolderSource } from '../clip/types.ts';
import { faultOfFile } from './file-fault.ts';

/** A directory as its user named it. Its files are listed with those of its folders, sorted by path, `/` between the parts. */
export function directorySource(directory: string): FolderSource {
  const path = (file: string) => {
    // A manifest comes from outside: it may not name a file elsewhere.
    if (!isPlainPath(file)) {
      throw new Error(`${directory}: ${JSON.stringify(file)} is not a plain path inside the folder.`);
    }
    return join(directory, file);
  };
  return {
    name: directory,
    modelName: basename(resolve(directory)),

    async list() {
      const found = await stat(directory).catch(() => null);
      if (!found?.isDirectory()) {
        throw new Error(`The folder ${directory} ${found ? 'is a file, not a folder' : 'does not exist'}.`);
      }
      const files = await filesBelow(directory, '');
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    },

    async read(file) {
      const content = await readFile(path(file)).catch(unreadable(directory, file));
      return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    },

    async readRange(file, start, end) {
      const handle = await open(path(file)).catch(unreadable(directory, file));
      try {
        return await readRange(handle, join(directory, file), start, end);
      } finally {
        await handle.close();
      }
    },
  };
}

/** Bytes [start, end) of an open file; `path` for the message where it is shorter. */
export async function readRange(
  handle: FileHandle,
  path: string,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) {
      throw new Error(`${path} ends at byte ${start + filled}; bytes ${start} to ${end} were asked for.`);
    }
    filled += bytesRead;
  }
  return bytes;
}

/** Hidden files (.git, unfinished .part files) are no part of a folder; links are followed to files, as hub caches need. */
async function filesBelow(directory: string, inside: string): Promise<FolderFile[]> {
  const entries = await readdir(join(directory, inside), { withFileTypes: true });
  const listed = entries
    .filter(({ name }) => !name.startsWith('.'))
    .map(async (entry): Promise<FolderFile[]> => {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(directory, path);
      const found = await stat(join(directory, path)).catch(() => null);
      return found?.isFile() ? [{ path, bytes: found.size }] : [];
    });
  return (await Promise.all(listed)).flat();
}

/** A file that a person named. Throws a sentence with the reason and `advice`, a sentence on what was expected. */
export async function readNamedFile(path: string, advice: string): Promise<Uint8Array<ArrayBuffer>> {
  const content = await readFile(path).catch(unreadableNamed(path, advice));
  return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
}

/** The same for a file that is read in pieces. */
export async function openNamedFile(path: string, advice: string): Promise<FileHandle> {
  return open(path).catch(unreadableNamed(path, advice));
}

const unreadable = (directory: string, file: string) => (cause: NodeJS.ErrnoException) => {
  throw new Error(`The folder ${directory} has no readable ${file}: ${whyUnreadable(cause)}.`, { cause });
};

const unreadableNamed = (path: string, advice: string) => (cause: NodeJS.ErrnoException) => {
  throw new Error(`${path} could not be read: ${whyUnreadable(cause)}. ${advice}`, { cause });
};

const whyUnreadable = (cause: NodeJS.ErrnoException): string => faultOfFile(cause) ?? cause.message;

/**
 * Writes a file so that it is there whole or as it was before, whatever happens meanwhile. Makes its folder where need be.
 * @param content a large one piece by piece
 */
export async function writeFileWhole(
  path: string,
  content: Uint8Array | string | AsyncIterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  const beside = join(folder, `${unfinished(path)}${randomUUID()}.part`);
  try {
    await mkdir(folder, { recursive: true });
    const handle = await open(beside, 'wx');
    try {
      if (typeof content === 'string' || content instanceof Uint8Array) await handle.writeFile(content);
      else for await (const piece of content) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw new Error(
      `${path} could not be written: ${messageOf(error)}. What was there before is still there.`,
      { cause: error },
    );
  }
}

/** How the names begin that a file has while it is written. */
const unfinished = (path: string): string => `.${basename(path)}.`;

/** Takes away what writers of `path` left that were killed. Only for a file that nobody else is writing. */
export async function removeUnfinished(path: string): Promise<void> {
  const folder = dirname(path);
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder)) {
    if (name.startsWith(unfinished(path)) && name.endsWith('.part')) await rm(join(folder, name));
  }
}
