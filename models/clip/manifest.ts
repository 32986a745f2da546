// manifest.json lists the files of a model folder that a page may download, each with its bytes and SHA-256, so that nothing
// is used or kept that did not arrive whole. Their hashes name the model in every cache (modelKeyOf): a retrained model of the
// same name meets no old vectors.

import * as v from 'valibot';
import { checked, parseJson, plainObject } from './checked.ts';
import { precisionFiles, precisionsOf } from './encoder-files.ts';
import { MODEL_CARD } from './model-card.ts';
import { isPlainPath } from './plain-path.ts';
import { SELF_TEST } from './selftest.ts';
import type { FolderFile, Precision } from './types.ts';

/** Raise it when preprocessing, tokenizing or pooling changes what a vector means: vectors kept before are then passed over. */
const PIPELINE_VERSION = 1;

const ManifestFile = plainObject({
  files: v.array(
    v.object({
      path: v.pipe(v.string(), v.check(isPlainPath, 'Expected a plain path inside the folder')),
      bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'Expected 64 lower-case hexadecimal digits')),
    }),
  ),
});

export interface Manifest {
  readonly files: readonly Required<FolderFile>[];
}

/** Checks a manifest.json; throws a sentence with `fileName` and the reason. */
export function parseManifest(bytes: Uint8Array, fileName: string): Manifest {
  const manifest = checked(ManifestFile, parseJson(bytes, fileName), fileName);
  const paths = new Set<string>();
  for (const { path } of manifest.files) {
    if (paths.has(path)) throw new Error(`${fileName} was refused: it lists ${path} twice.`);
    paths.add(path);
  }
  return manifest;
}

/** Throws a sentence where `bytes` are not what the manifest says of `path`, or where it does not list it. */
export function verifyFile(path: string, bytes: Uint8Array, manifest: Manifest): Promise<void> {
  return verifyFound(path, bytes.length, () => sha256(bytes), manifest);
}

/** The same of a file that need not be in memory: by its length and, where that is right, its SHA-256 in lower-case hex. */
export async function verifyFound(
  path: string,
  bytes: number,
  hash: () => Promise<string>,
  manifest: Manifest,
): Promise<void> {
  const expected = manifest.files.find((file) => file.path === path);
  if (!expected) throw new Error(`${path} is not listed in manifest.json; export the model again.`);
  if (bytes !== expected.bytes) {
    throw new Error(
      `${path} is damaged or of another version: it has ${bytes} bytes, manifest.json says ${expected.bytes}; export the model again, or fetch it again.`,
    );
  }
  const found = await hash();
  if (found !== expected.sha256) {
    throw new Error(
      `${path} is damaged or of another version: its SHA-256 is ${found}, manifest.json says ${expected.sha256}; export the model again, or fetch it again.`,
    );
  }
}

/** No vector depends on them. */
const SAY_NOTHING = new Set(['manifest.json', SELF_TEST, MODEL_CARD]);

/**
 * Names a model in one of its precisions in every cache key, by the files that its vectors come from: all but other precisions'
 * encoders, so that a further precision in the folder changes nothing.
 *
 * @param files those of its manifest.json
 */
export async function modelKeyOf(files: readonly FolderFile[], precision: Precision): Promise<string> {
  const others = precisionsOf(files)
    .filter((other) => other !== precision)
    .flatMap((other) => precisionFiles(files, other));
  const lines = files
    .filter((file) => !SAY_NOTHING.has(file.path) && !others.includes(file))
    .map(({ path, sha256 }) => `${path} ${sha256}`);
  // A folder is the same in whatever order its files are listed.
  const identity = new TextEncoder().encode(lines.sort().join('\n'));
  // 64 bits: two models of one visitor never meet by chance.
  return `${(await sha256(identity)).slice(0, 16)}-${PIPELINE_VERSION}`;
}

/** In each precision that is among the files. */
export async function modelKeysOf(files: readonly FolderFile[]): Promise<ReadonlyMap<Precision, string>> {
  const keys = precisionsOf(files).map(async (each) => [each, await modelKeyOf(files, each)] as const);
  return new Map(await Promise.all(keys));
}

/** Lower-case hex. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  return toHex(await crypto.subtle.digest('SHA-256', bytes));
}

/** A digest in lower-case hex. */
export function toHex(digest: ArrayBuffer): string {
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
