import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSources } from './sources.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-coco-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(path: string, content: string): Promise<string> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
  return join(folder, path);
}

const images = [
  { id: 9, file_name: '000009.jpg', width: 640 },
  { id: 4, file_name: '000004.jpg', width: 480 },
];
const annotations = [
  { id: 1, image_id: 4, caption: 'A cat. ' },
  { id: 2, image_id: 9, caption: 'Two dogs.' },
  { id: 3, image_id: 4, caption: 'A tabby.' },
  { id: 4, image_id: 4, caption: 'A cat.' },
];
const captions = JSON.stringify({ info: {}, images, annotations });

test.each([
  ['the folder of the list', 'captions_val2017.json', ''],
  ["the split's folder beside", 'annotations/captions_val2017.json', 'val2017/'],
  ['the folder images', 'captions.json', 'images/'],
])('a row for each picture, found in %s', async (_, list, pictures) => {
  const path = await write(list, captions);
  for (const { file_name } of images) await write(`${pictures}${file_name}`, file_name);
  const told: string[] = [];
  const source = await openSources(path, (message) => told.push(message));
  expect(source.length).toBe(2);
  const row = await source.row(1);
  const dataSet = list.replace(/.*\//, '').replace('.json', '');
  expect(row).toMatchObject({
    id: `${dataSet}/000004.jpg`,
    captions: ['A cat.', 'A tabby.'],
    labels: [],
    source: dataSet,
  });
  expect(new TextDecoder().decode(row.image)).toBe('000004.jpg');
  expect(told).toEqual([]);
});

test('what was tried is listed where no picture is found', async () => {
  const path = await write('annotations/captions_train2017.json', captions);
  const tried = ['annotations', 'train2017', 'annotations/images'].map((name) =>
    join(folder, name, '000009.jpg'),
  );
  await expect(openSources(path)).rejects.toThrow(
    `Reading ${path}: found none of the first pictures that it lists; looked for ${tried.join(', ')}.`,
  );
});

test('pictures without captions and captions without pictures are counted and told', async () => {
  const path = await write(
    'captions.json',
    JSON.stringify({
      images: [...images, { id: 5, file_name: '5.jpg' }],
      annotations: [...annotations, { image_id: 7, caption: 'lost' }, { image_id: 5, caption: ' ' }],
    }),
  );
  await write('000009.jpg', 'x');
  const told: string[] = [];
  const source = await openSources(path, (message) => told.push(message));
  expect(source.length).toBe(2);
  expect(told).toEqual([
    expect.stringContaining(
      'left out 1 × annotation of a picture that is not listed, 1 × annotation without a caption, 1 × picture without a caption',
    ),
  ]);
});

test('a picture that is listed twice is one row', async () => {
  const path = await write(
    'captions.json',
    JSON.stringify({
      images: [...images, { id: 40, file_name: '000004.jpg' }],
      annotations: [...annotations, { image_id: 40, caption: 'A kitten.' }],
    }),
  );
  await write('000009.jpg', 'x');
  const source = await openSources(path);
  expect([0, 1].map((row) => source.text(row).captions)).toEqual([
    ['Two dogs.'],
    ['A cat.', 'A tabby.', 'A kitten.'],
  ]);
  expect(source.length).toBe(2);
});

test.each([
  ['a byte order mark', '\ufeff'],
  ['blank lines', '\n\r\n'],
])('%s before the JSON', async (_, before) => {
  const path = await write('captions.json', before + captions);
  await write('000009.jpg', 'x');
  expect((await openSources(path)).length).toBe(2);
});

test('captions in another encoding are counted and told', async () => {
  const path = await write('captions.json', '');
  const latin = [...annotations, { image_id: 9, caption: 'Un café.' }];
  await writeFile(path, Buffer.from(JSON.stringify({ images, annotations: latin }), 'latin1'));
  await write('000009.jpg', 'x');
  const told: string[] = [];
  const source = await openSources(path, (message) => told.push(message));
  expect(source.text(0).captions).toEqual(['Two dogs.']);
  expect(told).toEqual([
    expect.stringContaining(
      'left out 1 × caption with U+FFFD, which stands where text was not UTF-8, expected',
    ),
  ]);
});

test('other JSON is refused with what was found', async () => {
  const boxes = annotations.map(({ image_id }) => ({ image_id, bbox: [1, 2, 3, 4] }));
  const instances = await write('instances_val2017.json', JSON.stringify({ images, annotations: boxes }));
  await expect(openSources(instances)).rejects.toThrow(
    'found no picture with a caption but 4 × annotation without a caption, 2 × picture without a caption, expected COCO',
  );
  const nothing = await write('package.json', '{"name":"x"}');
  await expect(openSources(nothing)).rejects.toThrow(
    `Reading ${nothing}: found undefined at images, expected COCO's captions`,
  );
  const cut = await write('captions.json', captions.slice(0, 50));
  await expect(openSources(cut)).rejects.toThrow(`Reading ${cut}: found no sound JSON (`);
});
