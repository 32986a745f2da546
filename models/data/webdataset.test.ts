import { mkdir, mkdtemp, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, Header } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { all, writeFiles } from './fixtures/rows.ts';
import { openSources } from './sources.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-tar-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A tar file of files in the order in which they are named. */
async function pack(name: string, files: Record<string, string>): Promise<string> {
  const loose = join(folder, `${name}.loose`);
  await writeFiles(loose, files);
  await create({ file: join(folder, name), cwd: loose }, Object.keys(files));
  return join(folder, name);
}

async function opened(spec: string) {
  const told: string[] = [];
  const source = await openSources(spec, (message) => told.push(message));
  const rows = await all(source);
  const found = rows.map(({ labels, captions, image }) => ({
    labels,
    captions,
    image: new TextDecoder().decode(image),
  }));
  return { source, found, told };
}

test('samples by their name up to the first dot, with words from .txt, .json and .cls', async () => {
  const path = await pack('shard.tar', {
    '0.jpg': 'zero',
    '0.txt': ' A dog\n',
    '0.json': '{"caption": "A dog", "captions": ["A hound"], "width": 3}',
    '0.cls': '7',
    'a/0.webp': 'x'.repeat(70_000),
    'a/0.cls': 'golden_retriever; dog',
    'a/1.txt': 'words first',
    'a/1.seg.png': 'no picture of the sample',
    'a/1.PNG': 'one',
  });
  const { source, found, told } = await opened(path);
  expect(found).toEqual([
    { labels: [], captions: ['A dog', 'A hound'], image: 'zero' },
    { labels: ['golden retriever', 'dog'], captions: [], image: 'x'.repeat(70_000) },
    { labels: [], captions: ['words first'], image: 'one' },
  ]);
  expect(source.text(1)).toMatchObject({ id: `${path} a/0.webp`, source: 'shard' });
  expect(told).toEqual([]);
});

test('a series is one data set, in its order', async () => {
  await pack('cc-train-08.tar', { '8.jpg': 'eight', '8.txt': '8' });
  await pack('cc-train-09.tar', { '9.jpg': 'nine', '9.txt': '9' });
  await pack('cc-train-10.tar', { '10.jpg': 'ten', '10.txt': '10' });
  const { source, found } = await opened(`${folder}/cc-train-{08..10}.tar`);
  expect(found.map(({ image }) => image)).toEqual(['eight', 'nine', 'ten']);
  expect(source.text(2).source).toBe('cc-train');
  await expect(opened(`${folder}/cc-train-{08..11}.tar`)).rejects.toThrow(
    `Opening the data ${folder}/cc-train-11.tar: no such file or folder can be read`,
  );
});

test('shards of one name in folders of one name keep their pictures apart', async () => {
  for (const part of [1, 2]) {
    const path = await pack(`${part}.tar`, { '0.jpg': `picture ${part}`, '0.txt': `caption ${part}` });
    await mkdir(join(folder, `part${part}/shards`), { recursive: true });
    await rename(path, join(folder, `part${part}/shards/00000.tar`));
  }
  const { source, found } = await opened(`${folder}/part{1..2}/shards/00000.tar`);
  expect(found.map(({ captions, image }) => [captions[0], image])).toEqual([
    ['caption 1', 'picture 1'],
    ['caption 2', 'picture 2'],
  ]);
  expect([0, 1].map((row) => source.text(row).id)).toEqual(
    [1, 2].map((part) => `${folder}/part${part}/shards/00000.tar 0.jpg`),
  );
});

test('words in another encoding are counted and told', async () => {
  const loose = join(folder, 'latin.tar.loose');
  await writeFiles(loose, { '0.jpg': 'zero', '1.jpg': 'one', '1.json': '{"caption": "a dog"}' });
  await writeFile(join(loose, '0.txt'), Buffer.from('un café', 'latin1'));
  await writeFile(join(loose, '0.cls'), Buffer.from('café', 'latin1'));
  await writeFile(join(loose, '1.txt'), Buffer.from('un thé', 'latin1'));
  const path = join(folder, 'latin.tar');
  await create({ file: path, cwd: loose }, ['0.jpg', '0.txt', '0.cls', '1.jpg', '1.json', '1.txt']);
  const { found, told } = await opened(path);
  expect(found).toEqual([{ labels: [], captions: ['a dog'], image: 'one' }]);
  expect(told).toEqual([
    expect.stringMatching(
      /left out 2 × caption with U\+FFFD, which stands where text was not UTF-8, 1 × label with U\+FFFD, which stands where text was not UTF-8, 1 × sample without words, expected .*, words in UTF-8\.$/,
    ),
  ]);
});

test('long names, in every way that tar has for them', async () => {
  // node-tar writes names of other letters, or that no / parts, as extended headers, and long folders as a prefix.
  const long = {
    [`${'é'.repeat(30)} b/${'n'.repeat(110)}.jpg`]: 'extended',
    [`${'d'.repeat(90)}/${'m'.repeat(60)}.jpg`]: 'prefix',
  };
  const words = Object.fromEntries(
    Object.keys(long).map((name) => [name.replace('.jpg', '.txt'), name.length.toString()]),
  );
  const { found, source } = await opened(await pack('long.tar', { ...long, ...words }));
  expect(found.map(({ captions, image }) => [image, captions[0]])).toEqual([
    ['extended', Object.keys(long)[0].length.toString()],
    ['prefix', Object.keys(long)[1].length.toString()],
  ]);
  expect(source.text(0).id).toContain('é b/nnn');
  // GNU tar and Python's tarfile: the name is the content of an entry before.
  const entry = (path: string, type: '0' | 'L', content: string) => {
    const header = new Header({ path, size: content.length, mode: 0o644 });
    header.type = type;
    header.encode();
    return Buffer.concat([header.block ?? Buffer.alloc(0), Buffer.from(content.padEnd(512, '\0'))]);
  };
  const name = 'g'.repeat(120);
  const parts = ['jpg', 'txt'].flatMap((ending) => [
    entry('././@LongLink', 'L', `${name}.${ending}\0`),
    entry(name.slice(0, 100), '0', ending),
  ]);
  await writeFile(join(folder, 'gnu.tar'), Buffer.concat([...parts, Buffer.alloc(1024)]));
  const gnu = await opened(join(folder, 'gnu.tar'));
  expect(gnu.found).toEqual([{ labels: [], captions: ['txt'], image: 'jpg' }]);
  expect(gnu.source.text(0).id).toContain(`${name}.jpg`);
});

test('what is no sample, or lacks a half, is counted and told', async () => {
  const loose = join(folder, 'mixed.tar.loose');
  await mkdir(loose);
  await symlink('nowhere', join(loose, 'link.jpg'));
  for (const [name, content] of Object.entries({
    '1.jpg': 'one',
    '1.txt': 'words',
    '1.png': 'again',
    '2.jpg': 'silent',
    '2.cls': '12',
    '3.txt': 'blind',
    '4.jpg': 'broken',
    '4.json': '{"caption": 3}',
    README: 'x',
  }))
    await writeFile(join(loose, name), content);
  const names = [
    '1.jpg',
    '1.txt',
    '1.png',
    '2.jpg',
    '2.cls',
    '3.txt',
    '4.jpg',
    '4.json',
    'README',
    'link.jpg',
  ];
  await create({ file: join(folder, 'mixed.tar'), cwd: loose }, names);
  const { found, told } = await opened(join(folder, 'mixed.tar'));
  expect(found).toEqual([{ labels: [], captions: ['words'], image: 'one' }]);
  expect(told).toEqual([
    expect.stringContaining(
      'mixed.tar: left out 1 × second picture of a sample, 1 × .json that cannot be read, 1 × file without an ending, 1 × link, 2 × sample without words, 1 × sample without a picture, expected',
    ),
  ]);
  await expect(opened(await pack('none.tar', { '1.jpg': 'x', '2.txt': 'y' }))).rejects.toThrow(
    'none.tar: found no picture with words but 1 × sample without words, 1 × sample without a picture, expected samples of .jpg',
  );
});

test('what is no tar file, or was cut or changed since, is named', async () => {
  const path = join(folder, 'x.tar');
  await writeFile(path, 'not a tar file'.repeat(100));
  await expect(opened(path)).rejects.toThrow(
    `Reading ${path}: found no sound header at byte 0, expected a sound tar file`,
  );
  await writeFile(path, 'short');
  await expect(opened(path)).rejects.toThrow('found 5 bytes, less than a header');
  const cut = await pack('cut.tar', { '1.txt': 'one', '1.jpg': 'x'.repeat(5000) });
  const bytes = await readFile(cut);
  await truncate(cut, 3000);
  await expect(opened(cut)).rejects.toThrow(/found that it ends at byte 3000, in the middle of 1\.jpg/);
  await writeFile(cut, bytes);
  const source = await openSources(cut);
  await truncate(cut, 3000);
  await expect(source.row(0)).rejects.toThrow(
    /^Reading the picture at byte \d+ of .*cut\.tar: the file ends at byte 3000/,
  );
});
