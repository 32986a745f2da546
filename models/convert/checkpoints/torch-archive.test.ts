import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader, ZipWriter } from '@zip.js/zip.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRangeFile } from '../../files/range-file.ts';
import { bytes, dictionary, type Part, PROTO, pickle, tensor, text, tuple } from '../fixtures/pickles.ts';
import { openCheckpoint } from './open.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/vision-transformer-training.pt');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archives-'));
});
afterAll(() => rm(folder, { recursive: true }));

type Files = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

/** An archive as PyTorch writes it: files that are stored as they are. */
async function archive(files: Files, level = 0): Promise<string> {
  const zip = new ZipWriter(new Uint8ArrayWriter(), { level, useWebWorkers: false });
  for (const [name, content] of Object.entries(files))
    await zip.add(`archive/${name}`, new Uint8ArrayReader(content));
  const path = join(folder, 'archive.pt');
  await writeFile(path, await zip.close());
  return path;
}

const FOUR = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const opened = async (files: Files, level?: number) => openCheckpoint(await archive(files, level));

describe('an archive', () => {
  it('gives tensors as their strides say', async () => {
    const content = pickle(
      ...dictionary(
        [...text('plain'), ...tensor('0', 4, 0, [2, 2], [2, 1])],
        [...text('transposed'), ...tensor('0', 4, 0, [2, 2], [1, 2])],
        [...text('part'), ...tensor('0', 4, 2, [2], [1])],
        [...text('epoch'), 'K', 7],
      ),
    );
    const checkpoint = await opened({ 'data.pkl': content, 'data/0': FOUR });
    const values = async (name: string) => [...(await checkpoint.read(name)).data];
    expect([...checkpoint.tensors.keys()]).toEqual(['plain', 'transposed', 'part']);
    expect(await values('plain')).toEqual([1, 2, 3, 4]);
    expect(await values('transposed')).toEqual([1, 3, 2, 4]);
    expect(await values('part')).toEqual([3, 4]);
    await expect(checkpoint.read('absent')).rejects.toThrow('holds no tensor absent');
    await checkpoint.close();
  });

  it('may name one module many times and itself: each is entered once', async () => {
    const content = pickle(
      ...['}', 'q', 0, '('],
      ...[...text('itself'), 'h', 0],
      ...[...text('w'), ...tensor('0', 4, 0, [4], [1])],
      'u',
    );
    const checkpoint = await opened({ 'data.pkl': content, 'data/0': FOUR });
    expect([...checkpoint.tensors.keys()]).toEqual(['w']);
    await checkpoint.close();
  });

  const one = (...parts: readonly Part[]) => pickle(...dictionary([...text('w'), ...parts]));
  it.each<[string, Files, RegExp]>([
    [
      'a call into the system',
      { 'data.pkl': pickle('cposix\nsystem\n', ...tuple(text('true')), 'R') },
      /its pickle asks for posix\.system/,
    ],
    [
      "a call of Python's own",
      { 'data.pkl': pickle(...text('builtins'), ...text('eval'), 0x93, ...tuple(text('1')), 'R') },
      /its pickle asks for builtins\.eval/,
    ],
    [
      'a class',
      { 'data.pkl': pickle('cargparse\nNamespace\n', ')', 0x81) },
      /its pickle asks for argparse\.Namespace/,
    ],
    [
      'a storage that is built',
      { 'data.pkl': pickle('ctorch\nFloatStorage\n', ')', 'R') },
      /it builds a FloatStorage/,
    ],
    [
      'an operation of old',
      { 'data.pkl': pickle('(ios\nsystem\n') },
      /byte 3 is the operation i, which no checkpoint needs/,
    ],
    ['an extension', { 'data.pkl': pickle(0x82, 1) }, /byte 2 is the operation 0x82/],
    [
      'an end in the middle',
      { 'data.pkl': bytes(PROTO, 'X', [200, 0, 0, 0], 'abc') },
      /it ends at byte 10, in the middle of an operation/,
    ],
    ['a value that is missing', { 'data.pkl': pickle('t') }, /a mark is missing/],
    [
      'what was never remembered',
      { 'data.pkl': pickle('h', 9) },
      /what it recalls as 9 was never remembered/,
    ],
    ['a long integer', { 'data.pkl': pickle(0x8a, 9, [1, 2, 3, 4, 5, 6, 7, 8, 9]) }, /an integer of 9 bytes/],
    ['no tensor', { 'data.pkl': pickle('}') }, /there is no tensor in it/],
    ['no pickle', { 'data/0': FOUR }, /holds no data\.pkl/],
    [
      'a storage that is not there',
      { 'data.pkl': one(...tensor('0', 4, 0, [4], [1])) },
      /the storage of w should have 16 bytes \(4 of F32\), and is not in the archive/,
    ],
    [
      'a storage of another size',
      { 'data.pkl': one(...tensor('0', 9, 0, [4], [1])), 'data/0': FOUR },
      /should have 36 bytes \(9 of F32\), it has 16/,
    ],
    [
      'a tensor beyond its storage',
      { 'data.pkl': one(...tensor('0', 4, 1, [4], [1])), 'data/0': FOUR },
      /shape \[4\] and strides \[1\] from 1 on does not fit into a storage of 4/,
    ],
    [
      'a tensor that repeats its storage',
      { 'data.pkl': one(...tensor('0', 4, 0, [200, 200], [0, 0])), 'data/0': FOUR },
      /shape \[200, 200\] and strides \[0, 0\]/,
    ],
    [
      'a tensor without strides',
      { 'data.pkl': one(...tensor('0', 4, 0, [4], [])), 'data/0': FOUR },
      /no storage, shape or strides/,
    ],
    [
      'big-endian numbers',
      { 'data.pkl': one(...tensor('0', 4, 0, [4], [1])), 'data/0': FOUR, byteorder: bytes('big') },
      /its numbers are big-endian/,
    ],
    [
      'an OrderedDict of a list, which could be made of it again and again',
      { 'data.pkl': pickle('ccollections\nOrderedDict\n', ...tuple([']']), 'R') },
      /it makes an OrderedDict of a list/,
    ],
    [
      'dictionaries beyond counting',
      { 'data.pkl': pickle('}'.repeat(70_000)) },
      /it makes more than 65536 dictionaries and objects/,
    ],
    [
      'operations beyond counting',
      { 'data.pkl': pickle('(t'.repeat(600_000)) },
      /it takes more than 1048576 operations/,
    ],
    [
      'a module that is given the same thousand fields two thousand times',
      {
        'data.pkl': pickle(
          ...['c__torch__\nM\n', ')', 0x81],
          ...['}', 'q', 0, '('],
          ...Array.from({ length: 1000 }, (_, i) => ['M', [i & 255, i >> 8], 'N']).flat(),
          'u',
          ...Array.from({ length: 2000 }, () => ['b', 'h', 0]).flat(),
          'b',
        ),
      },
      /it takes more than 1048576 operations/,
    ],
    [
      'a tensor of a hundred axes',
      {
        'data.pkl': one(...tensor('0', 4, 0, new Array(100).fill(1), new Array(100).fill(1))),
        'data/0': FOUR,
      },
      /no storage, shape or strides/,
    ],
    [
      'a tensor with an endless name',
      {
        'data.pkl': pickle(
          ...Array.from({ length: 4 }, () => ['}', ...text('a'.repeat(100))]).flat(),
          ...tensor('0', 4, 0, [4], [1]),
          's'.repeat(4),
        ),
        'data/0': FOUR,
      },
      /a tensor's name has 403 characters; at most 256 are read/,
    ],
    [
      'modules in modules',
      {
        'data.pkl': pickle(
          ...Array.from({ length: 80 }, () => ['}', ...text('a')]).flat(),
          ...tensor('0', 4, 0, [4], [1]),
          's'.repeat(80),
        ),
        'data/0': FOUR,
      },
      /its modules lie more than 64 deep/,
    ],
  ])('with %s is refused', async (_, files, message) => {
    await expect(opened(files)).rejects.toThrow(message);
    await expect(opened(files)).rejects.toThrow(/archive\.pt(, data\.pkl)? was refused: .*\.$/);
  });

  it('whose files share their bytes is refused', async () => {
    const path = await archive({ 'data.pkl': pickle('}'), 'data/0': FOUR, 'data/1': FOUR });
    const zip = await readFile(path);
    const listed = (name: string) => zip.lastIndexOf(`archive/data/${name}`) - 46;
    zip.copy(zip, listed('1') + 42, listed('0') + 42, listed('0') + 46);
    await writeFile(path, zip);
    await expect(openCheckpoint(path)).rejects.toThrow(
      /archive\.pt was refused: its archive\/data\/[01] of 16 bytes ends at byte \d+ or later, and the next begins at \d+\.$/,
    );
  });

  it('whose directory lists a file where there is none is refused when it is read', async () => {
    const content = one(...tensor('0', 4, 0, [4], [1]));
    const path = await archive({ 'data.pkl': content, 'data/0': FOUR });
    const zip = await readFile(path);
    const local = zip.indexOf('archive/data/0') - 30;
    zip.writeUInt16LE(0xffff, local + 28); // the length of what follows the name
    await writeFile(path, zip);
    const checkpoint = await openCheckpoint(path);
    await expect(checkpoint.read('w')).rejects.toThrow(
      /archive\.pt was refused: its archive\/data\/0 does not lie at byte \d+, where its directory lists it\.$/,
    );
    await checkpoint.close();
  });

  it('that is compressed is refused before anything is inflated', async () => {
    const files = { 'data.pkl': new Uint8Array(10_000), 'data/0': FOUR };
    await expect(opened(files, 9)).rejects.toThrow(
      'its archive/data.pkl is compressed, which PyTorch does to no tensor',
    );
  });

  it('that is cut off is refused', async () => {
    const whole = await readFile(FIXTURE);
    for (const end of [3, 40, whole.length / 2, whole.length - 1]) {
      await writeFile(join(folder, 'cut.pt'), whole.subarray(0, end));
      await expect(openCheckpoint(join(folder, 'cut.pt'))).rejects.toThrow(/cut\.pt was refused: /);
    }
  });

  it('with any damage to its pickle is read or refused, never more', async () => {
    const file = await openRangeFile(FIXTURE, '');
    const entries = await new ZipReader(new Uint8ArrayReader(await file.read(0, file.bytes)), {
      useWebWorkers: false,
    }).getEntries();
    await file.close();
    const entry = entries.find(({ filename }) => filename.endsWith('data.pkl'));
    if (!entry || entry.directory) throw new Error('The fixture has no pickle.');
    const sound = await entry.getData(new Uint8ArrayWriter());
    const change = fc.tuple(fc.nat({ max: sound.length - 1 }), fc.nat({ max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = sound.slice();
        for (const [at, byte] of changes) damaged[at] = byte;
        const checkpoint = await opened({ 'data.pkl': damaged }).catch((error: Error) => error);
        expect(checkpoint).toBeInstanceOf(Error);
        expect((checkpoint as Error).message).toContain('was refused: ');
      }),
      { numRuns: 200 },
    );
  });
});
