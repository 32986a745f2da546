import { sha256 } from '../../models/clip/manifest.ts';

/** A photograph is known by what it holds: SHA-256 of its file, in lower-case hex. */
export function contentHash(file: ArrayBuffer): Promise<string> {
  return sha256(new Uint8Array(file));
}
