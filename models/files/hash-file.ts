import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../clip/manifest.ts';

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

/** What reading a model's file checks, of one that is not read: external data may be larger than what Node reads at once, two gigabytes. */
export async function verifyOnDisk(directory: string, path: string, manifest: Manifest): Promise<void> {
  const refused = (found: string) => new Error(`The folder ${directory} was refused: ${path} ${found}.`);
  const expected = manifest.files.find((file) => file.path === path);
  if (!expected) throw refused('is not listed in manifest.json; export the model again');
  const { sha256 } = await hashFile(join(directory, path), 'sha256');
  if (sha256 === expected.sha256) return;
  throw refused(
    `is damaged or of another version: its SHA-256 is ${sha256}, manifest.json says ${expected.sha256}`,
  );
}
