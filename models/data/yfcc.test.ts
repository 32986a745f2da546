import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { all } from './fixtures/rows.ts';
import { openSources } from './sources.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-yfcc-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Photograph {
  id: string;
  title?: string;
  description?: string;
  ending?: string;
  marker?: string;
}

/** A line of the first release. */
function line({ id, title = '', description = '', ending = 'jpg', marker = '0' }: Photograph): string {
  const before = ['39019111@N00', 'guckxzs', '2012-02-16 09:56:37.0', '1331840483', 'Canon+PowerShot'];
  const after = [
    'a,b',
    '',
    '-81.8',
    '24.5',
    '12',
    'http://p',
    'http://d',
    'CC',
    'http://l',
    '7205',
    '8',
    's',
    'o',
  ];
  return [id, ...before, title, description, ...after, ending, marker].join('\t');
}
/** A line of the later one. */
const later = (number: number, hash: string, photograph: Photograph) => {
  const [id, ...rest] = line(photograph).split('\t');
  return [number, id, hash, ...rest].join('\t');
};

async function write(path: string, content: string): Promise<string> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), content);
  return join(folder, path);
}

async function opened(name: string, lines: string[]) {
  const path = await write(name, `${lines.join('\n')}\n`);
  const told: string[] = [];
  const source = await openSources(path, (message) => told.push(message));
  const rows = await all(source);
  return { rows, told, captions: rows.map((row) => row.captions) };
}

test('the first release: photographs by id, titles and descriptions decoded', async () => {
  await write('images/11.jpg', 'eleven');
  await write('images/12.png', 'twelve');
  const { rows, told, captions } = await opened('yfcc100m_dataset', [
    line({
      id: '11',
      title: 'My+%22dog%22%2C+50%25',
      description: '%3Ca+href%3D%22x%22%3EHe%3C%2Fa%3E+runs%26amp%3B%0Ajumps',
    }),
    line({ id: '12', title: 'IMG_0520', description: '100% of "cats', ending: 'png' }),
  ]);
  expect(captions).toEqual([['My "dog", 50%', 'He runs& jumps'], ['100% of "cats']]);
  expect(rows[1]).toMatchObject({ id: 'yfcc100m_dataset/12', labels: [], source: 'yfcc100m_dataset' });
  expect(rows.map(({ image }) => new TextDecoder().decode(image))).toEqual(['eleven', 'twelve']);
  expect(told).toEqual([]);
});

test('the later release: photographs by hash, told from a list of columns by its first line', async () => {
  const hash = '00024a73d1a4c32fb29732d56a2';
  await write(`data/images/000/24a/${hash}.jpg`, 'hashed');
  const { rows } = await opened('some.tsv', [later(0, hash, { id: '6185218911', title: 'Key+West' })]);
  expect(rows).toEqual([
    {
      id: 'some/6185218911',
      labels: [],
      captions: ['Key West'],
      source: 'some',
      image: Buffer.from('hashed'),
    },
  ]);
});

test('videos, silent or missing photographs and broken lines are counted and told', async () => {
  for (const id of ['1', '2', '3']) await write(`images/${id}.jpg`, id);
  const { captions, told } = await opened('yfcc100m_dataset-7', [
    line({ id: '1', title: 'one' }),
    line({ id: '2', title: 'DSC_0012.JPG', description: '+' }),
    line({ id: '3', title: 'three', marker: '1' }),
    line({ id: '4', title: 'four' }),
    line({ id: '../5', title: 'five' }),
    'cut\tshort',
  ]);
  expect(captions).toEqual([['one']]);
  expect(told).toEqual([
    expect.stringContaining(
      'left out 1 × photograph without words, 1 × video, 1 × photograph that is not there, 1 × line whose id, hash, ending or last column is none, 1 × line of more or fewer than 23 columns.',
    ),
  ]);
});

test('a photograph that is listed twice is one row, and words in another encoding are counted', async () => {
  for (const id of ['1', '2']) await write(`images/${id}.jpg`, id);
  const { captions, told } = await opened('yfcc100m_dataset', [
    line({ id: '1', title: 'one', description: 'Th%E9' }),
    line({ id: '2', title: 'two' }),
    line({ id: '1', title: 'again' }),
  ]);
  expect(captions).toEqual([['one'], ['two']]);
  expect(told).toEqual([
    expect.stringContaining(
      'left out 1 × caption with U+FFFD, which stands where text was not UTF-8, 1 × photograph that was listed before.',
    ),
  ]);
});

test('long descriptions are cut after a word; only names that cameras give are no captions', async () => {
  const titles = [
    '_MG_1234',
    'P1010101',
    '100_0042',
    '2008-05-01+12.30',
    'DSCN0001+%282%29',
    'photo',
    'Area+51',
    'Boeing+747',
    'Sam+and+Max',
  ];
  const ids = titles.map((_, i) => String(i + 1));
  for (const id of ids) await write(`images/${id}.jpg`, id);
  const { captions } = await opened(
    'yfcc100m_dataset',
    titles.map((title, i) => line({ id: ids[i], title, description: i === 0 ? 'word+'.repeat(100) : '' })),
  );
  expect(captions.slice(1)).toEqual([['photo'], ['Area 51'], ['Boeing 747'], ['Sam and Max']]);
  expect(captions[0]).toEqual([`${'word '.repeat(60)}`.trim()]);
});

test('another number of columns and missing folders are refused', async () => {
  const path = await write('yfcc100m_dataset', 'a\tb\tc\n');
  await expect(openSources(path)).rejects.toThrow(
    `Reading ${path}: found 3 columns in its first line, expected YFCC100M's 23 (first release) or 25`,
  );
  await write('yfcc100m_dataset', line({ id: '1', title: 'one' }));
  await expect(openSources(path)).rejects.toThrow(
    `found neither ${join(folder, 'images')} (<id>.<ending>) nor ${join(folder, 'data/images')}`,
  );
  await write('images/2.jpg', 'x');
  await expect(openSources(path)).rejects.toThrow(
    `found no photograph with words but 1 × photograph that is not there; looked for ${join(folder, 'images/1.jpg')}`,
  );
});
