// Checkpoints: safetensors, an index of several, PyTorch's archives and the pickles in them. Each is read as an import reads it.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js';
import { json } from '../../models/clip/fixtures/tiny-model.ts';
import { joined } from '../../models/clip/fixtures/wire.ts';
import { type Tensor, toFloat32, writeSafetensors } from '../../models/clip/safetensors.ts';
import type { Checkpoint } from '../../models/convert/checkpoints/checkpoint.ts';
import { fitted } from '../../models/convert/checkpoints/fit.ts';
import { inferConfig } from '../../models/convert/checkpoints/infer-config.ts';
import { namedTensors } from '../../models/convert/checkpoints/named-tensors.ts';
import { openCheckpoint, openCheckpointFile } from '../../models/convert/checkpoints/open.ts';
import {
  bytes,
  dictionary,
  int,
  type Part,
  pickle,
  tensor,
  text,
} from '../../models/convert/fixtures/pickles.ts';
import { pick, type Random } from '../../models/data/random.ts';
import type { RangeFile } from '../../models/files/range-file.ts';
import { below, mutated, spoiled } from './mutate.ts';
import { type Bytes, spoiledJson, type Target } from './target.ts';
import { type StoredEntry, zipOf } from './zip.ts';

const fixture = (path: string) => fileURLToPath(new URL(`../../models/${path}`, import.meta.url));
const TRAINING = fixture('convert/fixtures/vision-transformer-training.pt');

async function readAll({ tensors, read }: Checkpoint): Promise<void> {
  for (const name of tensors.keys()) await read(name);
}

/** As much of an import as comes before anything is written: names, sizes, fit, all values. */
async function importAll(checkpoint: Checkpoint): Promise<void> {
  await readAll(checkpoint);
  const tensors = namedTensors(checkpoint);
  const config = inferConfig(tensors, { hiddenAct: 'gelu' }, checkpoint.name);
  for (const { read } of fitted(tensors, config, checkpoint.name).values()) toFloat32(await read());
}

/** A file as it is read from a disk, with the same errors. */
function inMemory(content: Bytes, path: string): RangeFile {
  return {
    path,
    bytes: content.length,
    async read(start, end) {
      const part = new Uint8Array(end - start);
      if (end > content.length)
        throw new Error(`${path} ends at byte ${content.length}; ${end} was asked for.`);
      part.set(content.subarray(start, end));
      return part;
    },
    async close() {},
  };
}

const opening =
  (path: string, use: (checkpoint: Checkpoint) => Promise<void>): Target['read'] =>
  async (file) => {
    const checkpoint = await openCheckpointFile(inMemory(file, path));
    await use(checkpoint).finally(() => checkpoint.close());
  };

/** A whole CLIP. */
async function soundTensors(): Promise<Map<string, Tensor>> {
  const checkpoint = await openCheckpoint(TRAINING);
  const tensors = new Map<string, Tensor>();
  for (const name of checkpoint.tensors.keys()) {
    tensors.set(name.replace('module.', ''), await checkpoint.read(name));
  }
  await checkpoint.close();
  return tensors;
}

// --- safetensors ---

export async function safetensorsTarget(): Promise<Target> {
  const small = new Uint8Array(await readFile(fixture('clip/fixtures/tensors.safetensors')));
  const sound = [small, small, small, writeSafetensors(await soundTensors())];
  const parts = sound.map((whole) => {
    const start = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
    const header: unknown = JSON.parse(new TextDecoder().decode(whole.subarray(8, start)));
    return { header, data: whole.subarray(start) };
  });
  return {
    name: 'safetensors',
    names: /model\.safetensors/,
    make(random) {
      if (random() < 0.5) return mutated(sound, random);
      const { header, data } = pick(parts, random);
      const content = json(random() < 0.05 ? manyTensors(random) : spoiled(header, random));
      const length = random() < 0.05 ? below(2 ** 40, random) : content.length;
      return joined(new Uint8Array(BigUint64Array.of(BigInt(length)).buffer), content, data);
    },
    read: opening('model.safetensors', importAll),
  };
}

/** Names that speak of layers and stages beyond all counting, and shapes that are larger than any file. */
const manyTensors = (random: Random): unknown =>
  Object.fromEntries(
    Array.from({ length: below(3000, random) }, (_, i) => [
      pick(
        ['visual.layer9999999.0.', 'transformer.resblocks.99999.', `visual.layer${i}.`, `w${i}.`],
        random,
      ) + i,
      {
        dtype: pick(['F32', 'BF16', 'BOOL'], random),
        shape: pick([[0], [2 ** 40, 0], []], random),
        data_offsets: [0, 0],
      },
    ]),
  );

export async function shardsTarget(): Promise<Target> {
  // Always the same, so that nothing piles up.
  const folder = join(tmpdir(), 'promptlens-fuzz');
  await mkdir(folder, { recursive: true });
  const map: Record<string, string> = {};
  for (const shard of ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']) {
    const names = ['a', 'b', 'c'].map((name) => `${shard.slice(0, 11)}.${name}`);
    const scalar: Tensor = { dtype: 'F32', shape: [], data: new Float32Array(1) };
    await writeFile(join(folder, shard), writeSafetensors(new Map(names.map((name) => [name, scalar]))));
    for (const name of names) map[name] = shard;
  }
  return {
    name: 'shards',
    names: /\.safetensors/,
    make: spoiledJson({ metadata: { total_size: 24 }, weight_map: map }),
    read: opening(join(folder, 'model.safetensors.index.json'), readAll),
  };
}

// --- PyTorch's archives ---

async function entriesOf(path: string): Promise<StoredEntry[]> {
  const reader = new ZipReader(new Uint8ArrayReader(new Uint8Array(await readFile(path))), {
    useWebWorkers: false,
  });
  const entries: StoredEntry[] = [];
  for (const entry of await reader.getEntries()) {
    // Of code, which TorchScript brings, nothing is read.
    if (entry.directory || entry.filename.includes('/code/')) continue;
    entries.push({ name: entry.filename, content: await entry.getData(new Uint8ArrayWriter()) });
  }
  return entries;
}

const smallArchive = (content: Bytes): StoredEntry[] => [
  { name: 'archive/data.pkl', content },
  { name: 'archive/byteorder', content: bytes('little') },
  { name: 'archive/data/0', content: new Uint8Array(16) },
  { name: 'archive/data/1', content: new Uint8Array(64) },
];

export async function archiveTarget(): Promise<Target> {
  const small = smallArchive(pickle(...dictionary(text('w'), tensor('0', 4, 0, [4], [1]))));
  const training = await entriesOf(TRAINING);
  const sound = [zipOf(small), zipOf(small), zipOf(training), new Uint8Array(await readFile(TRAINING))];
  return {
    name: 'archive',
    names: /archive\.pt/,
    make(random) {
      if (random() < 0.5) return mutated(sound, random);
      const often = 0.05 * random();
      const entries =
        random() < 0.001
          ? new Array(below(12_000, random)).fill(small[1])
          : pick([small, small, training], random);
      return zipOf(entries, (number) => {
        if (random() > often) return number;
        return pick(
          [0, number + 1, number - 1, 2 * number, 0xffff, 0xffffffff, below(2 ** 32, random)],
          random,
        );
      });
    },
    read: opening('archive.pt', importAll),
  };
}

const NAMES = [
  ...['posix\nsystem', 'builtins\neval', 'torch\nFloatStorage', 'collections\nOrderedDict', '__torch__.M\nM'],
  ...['torch._utils\n_rebuild_tensor_v2', 'torch._utils\n_rebuild_parameter'],
  ...['torch.jit._pickle\nbuild_intlist', 'torch.jit._pickle\nrestore_type_tag'],
];
const odd = (random: Random) => pick([0, 1, 2, 4, 9, 16, 2 ** 31 - 1, -1], random);

/** Operations by themselves, and runs of them that have what they need on the stack. */
const PIECES: readonly ((random: Random) => Part[])[] = [
  (random) => [pick([...'}])(Ntuseab RQ'], random)],
  (random) => [pick([0x81, 0x85, 0x86, 0x87, 0x93, 0x94], random)],
  (random) => [pick(['q', 'h'], random), below(4, random)],
  (random) => int(odd(random)),
  (random) => text('x'.repeat(below(random() < 0.1 ? 5000 : 5, random))),
  (random) => [`c${pick(NAMES, random)}\n`],
  (random) =>
    dictionary(text('state_dict'), dictionary(text('w'), tensor('0', 4, 0, [odd(random)], [odd(random)]))),
  (random) =>
    tensor(pick(['0', '1', '../0'], random), odd(random), odd(random), [2, odd(random)], [odd(random), 1]),
  () => ['}', 'q', 0, '(', ...text('itself'), 'h', 0, 'u'],
  // A list, a dictionary or a call again and again.
  (random) => [
    pick(['}', '(t', 'h\0', ')', 'h\0h\x01b'], random).repeat(below(random() < 0.005 ? 300_000 : 40, random)),
  ],
];

export async function pickleTarget(): Promise<Target> {
  const torchScript = fixture('convert/fixtures/vision-transformer-torchscript.pt');
  const archives = [await entriesOf(TRAINING), await entriesOf(torchScript)];
  const pickles = archives.map(([{ content }]) => content);
  return {
    name: 'pickle',
    names: /archive\.pt/,
    make(random) {
      if (random() < 0.3) {
        const content = mutated(pickles, random);
        // With their tensors some are still a CLIP.
        const [first, ...others] = random() < 0.5 ? pick(archives, random) : smallArchive(content);
        return zipOf([{ ...first, content }, ...others]);
      }
      const pieces = Array.from({ length: 1 + below(12, random) }, () => pick(PIECES, random)(random));
      return zipOf(smallArchive(pickle(...pieces.flat())));
    },
    read: opening('archive.pt', importAll),
  };
}
