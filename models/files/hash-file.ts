import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

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
