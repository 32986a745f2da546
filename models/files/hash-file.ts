import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, verifyFound } from '../clip/manifest.ts';

/** Bytes and hash of a file that is read piece by piece. `prefix` is hashed before it. */
export async function hashFile<Kind extends 'sha256' | 'sha1'>(
  path: string,
  kind: Kind,
  prefix = '',
): Promise<{ bytes: number } & Record<Kind, string>> {
  const sum = createHash(kind).update(prefix);
  let bytes = 0;
  for await (const piece of createReadStream(path)) {
    sum.update(piece);
    bytes += piece.length;
  }
  return { bytes, [kind]: sum.digest('hex') } as { bytes: number } & Record<Kind, string>;
}

/**
 * `verifyFile` of a model folder's file that stays on the disk: external data may be larger than what Node reads at once, two
 * gigabytes.
 */
export async function verifyOnDisk(directory: string, path: string, manifest: Manifest): Promise<void> {
  const { bytes, sha256 } = await hashFile(join(directory, path), 'sha256');
  await verifyFound(path, bytes, async () => sha256, manifest).catch((error: Error) => {
    throw new Error(`The folder ${directory} was refused: ${error.message}`, { cause: error });
  });
}
