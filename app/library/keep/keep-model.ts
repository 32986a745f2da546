// Takes a model onto this device: its files, checked, then the note that it is whole, then the self-test that it did not bring. What is
// cut off stays and is gone on with; a folder that contradicts itself leaves nothing behind.

import { parseJson } from '../../../models/clip/checked.ts';
import { precisionsOf } from '../../../models/clip/encoder-files.ts';
import type { HubFile } from '../../../models/clip/hub.ts';
import { type Manifest, parseManifest, sha256, toHex, verifyFile } from '../../../models/clip/manifest.ts';
import { messageOf } from '../../../models/clip/message-of.ts';
import { licenseOf, MODEL_CARD } from '../../../models/clip/model-card.ts';
import { readModelFolder } from '../../../models/clip/model-folder.ts';
import { parseSelfTest, SELF_TEST, type SelfTest } from '../../../models/clip/selftest.ts';
import type { FolderFile, FolderSource, Precision } from '../../../models/clip/types.ts';
import {
  choosePrecision,
  expectPrecisions,
  isDescription,
  wantedFiles,
} from '../../../models/clip/wanted-files.ts';
import type { MakeSelfTest } from '../../inference/reference.ts';
import {
  beginDeviceModel,
  findDeviceModel,
  listDeviceModels,
  type NewModel,
  openDeviceModel,
  removeDeviceModel,
  whileWriting,
} from '../../storage/device-models.ts';
import { isQuotaError, StorageFullError } from '../../storage/errors.ts';
import { listRemoteFiles, type RemoteFile, receiveFile } from './remote-files.ts';
import { deviceId, type Source, sourceWords } from './source.ts';

/** Bytes of a model that are here, of all that it needs. */
export type OnProgress = (loadedBytes: number, totalBytes: number) => void;

/** A model that is on this device now. */
export interface Added {
  readonly id: string;
  /** What it will not do here, and why, as a sentence; or null. */
  readonly problem: string | null;
}

/** A file of a folder that was dropped or picked, by its path inside it. */
export interface PickedFile {
  readonly path: string;
  readonly file: File;
}

/** Adds a model from a server, or a further precision of it. What was cut off before is gone on with. Rejects with a sentence. */
export async function keepRemote(
  source: Source,
  precision: 'auto' | Precision,
  onProgress: OnProgress,
  makeSelfTest: MakeSelfTest,
): Promise<Added> {
  const id = deviceId(source);
  return whileWriting(id, async () => {
    const listed = await listRemoteFiles(source);
    const before = await findDeviceModel(id);
    const { whole } = before ?? { whole: null };
    if (whole !== null) await refuseOther(id, whole, listed);
    const begun = whole === null ? (before?.about.precisions ?? []) : precisionsOf(whole.files);
    // A further precision comes where it is asked for by its name, and not to whoever adds the model again.
    const asBegun = precision === 'auto' && begun.length > 0;
    const precisions = [...new Set([...begun, ...(asBegun ? [] : [choosePrecision(listed, precision, id)])])];
    const here = new Set(whole?.files.map(({ path }) => path));
    const missing = wantedFiles(listed, precisions).filter(({ path }) => !here.has(path));
    if (whole !== null && missing.length === 0) {
      const bytes = sum(whole.files);
      onProgress(bytes, bytes);
      return { id, problem: await selfTestProblem(id, whole, makeSelfTest) };
    }
    const total = sum(missing);
    await makeRoom(total - (before?.bytes ?? 0) + sum(whole?.files ?? []), id);

    const about = { source: sourceWords(source), license: null, precisions, addedAt: Date.now() };
    const model = await beginDeviceModel(id, whole === null ? about : null);
    const onBytes = progressOf(total, onProgress);
    const [small, large] = [missing.filter(isDescription), missing.filter((file) => !isDescription(file))];
    for (const file of small) await unlessFull(id, () => receive(model, file, onBytes));
    // Before hundreds of megabytes come: a folder that contradicts itself costs little.
    await readOrRemove(id, model, [...(whole?.files ?? []), ...missing], whole === null);
    for (const file of large) await unlessFull(id, () => receive(model, file, onBytes));
    const manifest = await finish(id, model, [...here, ...missing.map(({ path }) => path)], whole === null);
    return { id, problem: await selfTestProblem(id, manifest, makeSelfTest) };
  });
}

/** A model that was published anew under its old name would be a mixture of both. */
async function refuseOther(id: string, whole: Manifest, listed: readonly RemoteFile[]): Promise<void> {
  const { read } = await openDeviceModel(id);
  const remote = new Map(listed.map((file) => [file.path, file]));
  const isSame = async (here: Required<FolderFile>, there: RemoteFile) => {
    const { hash } = there;
    // A server that compresses texts says how long they are then.
    if (hash === null) return isDescription(here) || there.bytes === here.bytes;
    return hash.hex === (hash.kind === 'git' ? await hashOf(await read(here.path), 'git') : here.sha256);
  };
  for (const file of whole.files) {
    const { path } = file;
    const there = remote.get(path);
    const isMadeHere = path === SELF_TEST && there === undefined;
    if (path === MODEL_CARD || isMadeHere) continue;
    if (there !== undefined && (await isSame(file, there))) continue;
    throw new Error(
      `${id} has changed on its server since it was added here (${path}). Delete it here, and add it again.`,
    );
  }
}

/** Adds a model from a folder of this device. Rejects with a sentence. */
export async function keepFolder(
  name: string,
  picked: readonly PickedFile[],
  onProgress: OnProgress,
  makeSelfTest: MakeSelfTest,
): Promise<Added> {
  const all = picked.map(({ path, file }) => ({ path, bytes: file.size, file }));
  const precisions = expectPrecisions(all, `The folder ${name}`);
  const files = wantedFiles(all, precisions);
  // Before anything is written: a folder that is none costs nothing.
  const stated = all.filter(({ path }) => path === 'manifest.json');
  const source = pickedSource(name, [...files, ...stated]);
  const manifest =
    stated.length > 0 ? parseManifest(await source.read('manifest.json'), 'manifest.json') : null;
  await checkFolder(pickedSource(name, files));
  const id = await freeId(name);
  return whileWriting(id, async () => {
    const total = sum(files);
    await makeRoom(total, id);
    const about = { source: null, license: null, precisions, addedAt: Date.now() };
    const model = await beginDeviceModel(id, about);
    let kept: Manifest;
    try {
      const onBytes = progressOf(total, onProgress);
      for (const { path } of files) {
        const bytes = await source.read(path);
        if (manifest !== null) await verifyFile(path, bytes, manifest);
        await unlessFull(id, () => model.write(path, bytes));
        onBytes(bytes.length);
      }
      kept = await finish(
        id,
        model,
        files.map(({ path }) => path),
        true,
      );
    } catch (error) {
      // There is no going on with a folder that was let go.
      await removeDeviceModel(id);
      throw error;
    }
    return { id, problem: await selfTestProblem(id, kept, makeSelfTest) };
  });
}

/** A bar needs no more than ten steps a second; the page's thread has other work. */
const TELL_EVERY_MS = 100;

function progressOf(total: number, onProgress: OnProgress): (bytes: number) => void {
  let loaded = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  let later: ReturnType<typeof setTimeout> | undefined;
  const tell = () => {
    clearTimeout(later);
    later = undefined;
    toldAt = performance.now();
    onProgress(loaded, total);
  };
  return (bytes) => {
    loaded += bytes;
    const wait = toldAt + TELL_EVERY_MS - performance.now();
    if (loaded >= total || wait <= 0) tell();
    // Where the connection stands still now, the bar says what has come.
    else later ??= setTimeout(tell, wait);
  };
}

function pickedSource(name: string, files: readonly (FolderFile & { readonly file: File })[]): FolderSource {
  const find = (path: string): File => {
    const found = files.find((each) => each.path === path);
    if (found === undefined) throw new Error(`${name}/${path} is not there.`);
    return found.file;
  };
  return {
    name,
    list: async () => [...files],
    read: async (path) => new Uint8Array(await find(path).arrayBuffer()),
    readRange: async (path, start, end) => new Uint8Array(await find(path).slice(start, end).arrayBuffer()),
  };
}

/** Another folder of the same name stays as it is; one that is not whole makes way. */
async function freeId(name: string): Promise<string> {
  const taken = new Set((await listDeviceModels()).flatMap(({ id, whole }) => (whole === null ? [] : [id])));
  let id = name;
  for (let n = 2; taken.has(id); n++) id = `${name} (${n})`;
  return id;
}

async function receive(model: NewModel, file: RemoteFile, onBytes: (bytes: number) => void): Promise<void> {
  const handle = await model.open(file.path);
  try {
    await receiveFile(file, handle, onBytes);
  } finally {
    handle.close();
  }
  if (file.hash === null) return;
  const found = await hashOf(await model.source.read(file.path), file.hash.kind);
  if (found === file.hash.hex) return;
  await model.remove(file.path);
  throw new Error(
    `${file.path} was refused: its ${HASH_NAMES[file.hash.kind]} is ${found}, the server publishes ${file.hash.hex}. It was deleted: add the model again in the same precision to have it anew.`,
  );
}

const HASH_NAMES = { sha256: 'SHA-256', git: 'git hash' } as const;

async function hashOf(bytes: Uint8Array<ArrayBuffer>, kind: HubFile['hash']['kind']): Promise<string> {
  if (kind === 'sha256') return sha256(bytes);
  // As git names a file: its length stands before its bytes.
  const blob = new Blob([`blob ${bytes.length}\0`, bytes]);
  return toHex(await crypto.subtle.digest('SHA-1', await blob.arrayBuffer()));
}

/** Reads the folder as the page will, all but the encoders. Rejects with a sentence where the page could not use it. */
async function checkFolder(source: FolderSource): Promise<void> {
  await readModelFolder(source);
  await readSelfTest(source, await source.list());
}

/** A folder that contradicts itself leaves nothing behind where it is new. */
async function readOrRemove(
  id: string,
  model: NewModel,
  files: readonly FolderFile[],
  isNew: boolean,
): Promise<void> {
  try {
    await checkFolder({ ...model.source, list: async () => [...files] });
  } catch (error) {
    if (isNew) await removeDeviceModel(id);
    throw error;
  }
}

/** Notes that the model is whole with these files; whatever else lies in its folder is let go. */
async function finish(
  id: string,
  model: NewModel,
  paths: readonly string[],
  isNew: boolean,
): Promise<Manifest> {
  const files = await model.source.list();
  for (const { path } of files) if (!paths.includes(path)) await model.remove(path);
  const kept = files.filter(({ path }) => paths.includes(path));
  await readOrRemove(id, model, kept, isNew);
  const hashed: Required<FolderFile>[] = [];
  for (const { path, bytes } of kept) {
    hashed.push({ path, bytes, sha256: await sha256(await model.source.read(path)) });
  }
  const card = paths.includes(MODEL_CARD) ? await model.source.read(MODEL_CARD) : new Uint8Array();
  const manifest = { files: hashed };
  const license = licenseOf(new TextDecoder().decode(card));
  await unlessFull(id, () => model.finish(manifest, license));
  return manifest;
}

/**
 * `addSelfTest` for a model that is on this device by now, and stays: whatever goes wrong is what it will not do here, and no reason
 * to say that it could not be added.
 */
async function selfTestProblem(
  id: string,
  manifest: Manifest,
  makeSelfTest: MakeSelfTest,
): Promise<string | null> {
  try {
    return await addSelfTest(id, manifest, makeSelfTest);
  } catch (error) {
    const reason = messageOf(error);
    return `It got no self-test, without which it does not run on a GPU: ${reason}`;
  }
}

/**
 * Puts a self-test, or a further precision's part of it, beside a model that brought none. It is whole before and afterwards: what
 * goes wrong here, or is cancelled, costs the GPU alone. Resolves to what `Added` calls its problem.
 */
async function addSelfTest(
  id: string,
  { files }: Manifest,
  makeSelfTest: MakeSelfTest,
): Promise<string | null> {
  const folder = await openDeviceModel(id);
  const before = await readSelfTest(folder, files);
  if (before !== null && !before.madeOnDevice) return null;
  const { selfTest, problem } = await makeSelfTest(folder, before);
  if (selfTest !== null) {
    const bytes = new TextEncoder().encode(JSON.stringify(selfTest));
    const file = { path: SELF_TEST, bytes: bytes.length, sha256: await sha256(bytes) };
    const others = files.filter(({ path }) => path !== SELF_TEST);
    const model = await beginDeviceModel(id, null);
    // A model that lists the one before would not be whole while this one is written.
    if (before !== null) await model.finish({ files: others }, null);
    await unlessFull(id, async () => {
      await model.write(SELF_TEST, bytes);
      await model.finish({ files: [...others, file] }, null);
    });
  }
  return problem;
}

/** Null where it is not among the files. */
async function readSelfTest(
  { name, read }: FolderSource,
  files: readonly FolderFile[],
): Promise<SelfTest | null> {
  if (!files.some(({ path }) => path === SELF_TEST)) return null;
  const fileName = `${name}/${SELF_TEST}`;
  return parseSelfTest(parseJson(await read(SELF_TEST), fileName), fileName);
}

/** Better said before the first byte than after the last but one. */
async function makeRoom(bytes: number, id: string): Promise<void> {
  const { quota, usage } = await navigator.storage.estimate();
  if (quota !== undefined && usage !== undefined && bytes > quota - usage) throw new StorageFullError(id);
}

async function unlessFull<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isQuotaError(error)) throw new StorageFullError(id);
    throw error;
  }
}

function sum(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
