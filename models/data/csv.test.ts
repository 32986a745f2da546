import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CSV_COLUMNS, openCsv } from './csv.ts';
import { all } from './fixtures/rows.ts';
import { openSources } from './sources.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-csv-'));
  await mkdir(join(folder, 'pictures'));
  for (const name of ['1', '2', '3'])
    await writeFile(join(folder, `pictures/${name}.jpg`), `picture ${name}`);
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

async function opened(name: string, content: string, columns = CSV_COLUMNS) {
  const told: string[] = [];
  const source = await openCsv(await write(name, content), columns, (message) => told.push(message));
  const rows = await all(source);
  const found = rows.map(({ captions, image }) => [captions, new TextDecoder().decode(image)]);
  return { source, found, told };
}

test("open_clip's defaults: tabs, filepath and title, paths from the list's folder or absolute", async () => {
  const absolute = join(folder, 'pictures/2.jpg');
  const { source, found, told } = await opened(
    'pairs.tsv',
    `title\tfilepath\tsize\nA dog, running\tpictures/1.jpg\t3\n cat \t${absolute}\t4\n`,
  );
  expect(found).toEqual([
    [['A dog, running'], 'picture 1'],
    [['cat'], 'picture 2'],
  ]);
  expect(told).toEqual([]);
  expect(source.text(0)).toEqual({
    id: `${basename(folder)}/pictures/1.jpg`,
    labels: [],
    captions: ['A dog, running'],
    source: 'pairs',
  });
  expect(source.text(1).id).toBe(absolute);
});

test('lines of one picture are one row, each caption once', async () => {
  const { found } = await opened(
    'pairs.csv',
    `filepath\ttitle\npictures/1.jpg\ta dog\npictures/2.jpg\ta cat\n./pictures/1.jpg\ta hound\n${folder}/pictures/1.jpg\ta dog\n`,
  );
  expect(found).toEqual([
    [['a dog', 'a hound'], 'picture 1'],
    [['a cat'], 'picture 2'],
  ]);
});

test('commas, quotation marks, line breaks in a field, a byte order mark, CRLF', async () => {
  const { found } = await opened(
    'pairs.csv',
    '\ufefffilepath,title\r\npictures/1.jpg,"a ""big"" dog,\r\nrunning"\r\npictures/2.jpg,a 6" nail\r\n',
  );
  expect(found).toEqual([
    [['a "big" dog,\r\nrunning'], 'picture 1'],
    [['a 6" nail'], 'picture 2'],
  ]);
});

test('other columns and separators by name', async () => {
  const columns = { image: 'path', caption: 'text', separator: ';' };
  const { found } = await opened('pairs.csv', 'path;text\npictures/3.jpg;three\n', columns);
  expect(found).toEqual([[['three'], 'picture 3']]);
  await expect(opened('pairs.csv', 'path,text\npictures/3.jpg,three\n', columns)).rejects.toThrow(
    /found the columns path,text with fields separated by ";", expected path and text\./,
  );
});

test('a missing column is named with those that are there', async () => {
  await expect(opened('pairs.csv', 'image,title\npictures/1.jpg,x\n')).rejects.toThrow(
    /^Reading .*pairs\.csv: found the columns image, title with fields separated by ",", expected filepath and title\. Name the columns in --csv-img-key/,
  );
  await expect(opened('pairs.csv', 'image\twords\ttitle, or none\npictures/1.jpg\tx\ty\n')).rejects.toThrow(
    'found the columns image, words, title, or none with fields separated by tabs, expected',
  );
  await expect(opened('pairs.tsv', 'image\ttitle\npictures/1.jpg\tx\n')).rejects.toThrow(
    'found the columns image, title with fields separated by tabs, expected',
  );
  await expect(opened('empty.csv', '')).rejects.toThrow('found an empty file');
});

test('lines without words or of more fields are counted and told', async () => {
  const { found, told } = await opened(
    'pairs.tsv',
    'filepath\ttitle\npictures/1.jpg\t \n\tno path\npictures/2.jpg\tcut\tlong\npictures/3.jpg\n\npictures/2.jpg\ttwo\n',
  );
  expect(found).toEqual([[['two'], 'picture 2']]);
  expect(told).toEqual([
    expect.stringMatching(
      /pairs\.tsv: left out 2 × line without a caption, 1 × line without a path, 1 × line of more fields than the 2 columns, expected filepath and title in every line, in UTF-8, and in quotation marks where they hold tabs\./,
    ),
  ]);
  await expect(opened('bare.tsv', 'filepath\ttitle\npictures/1.jpg\t\n')).rejects.toThrow(
    'found no row with a path and a caption but 1 × line without a caption',
  );
});

test('lines that lack empty fields at their end are whole', async () => {
  const { found, told } = await opened(
    'pairs.csv',
    'filepath,title,tags,notes\npictures/1.jpg,one\npictures/2.jpg,two,x\npictures/3.jpg\n',
  );
  expect(found).toEqual([
    [['one'], 'picture 1'],
    [['two'], 'picture 2'],
  ]);
  expect(told).toEqual([expect.stringContaining('left out 1 × line without a caption, expected')]);
});

test('captions in another encoding are counted and told', async () => {
  const path = await write('latin.csv', '');
  await writeFile(
    path,
    Buffer.from('filepath,title\npictures/1.jpg,un café\npictures/2.jpg,a dog\n', 'latin1'),
  );
  const told: string[] = [];
  const source = await openCsv(path, CSV_COLUMNS, (message) => told.push(message));
  expect((await all(source)).map(({ captions }) => captions)).toEqual([['a dog']]);
  expect(told).toEqual([
    expect.stringMatching(
      /left out 1 × caption with U\+FFFD, which stands where text was not UTF-8, expected .* in UTF-8, and/,
    ),
  ]);
  await writeFile(path, Buffer.from('filepath,title\npictures/1.jpg,un café\n', 'latin1'));
  await expect(openCsv(path, CSV_COLUMNS, () => undefined)).rejects.toThrow(
    'found no row with a path and a caption but 1 × caption with U+FFFD, which stands where text was not UTF-8, expected',
  );
});

test('a quotation mark that is never closed does not swallow the rest', async () => {
  const line = 'pictures/2.jpg\ttwo\n';
  await expect(
    opened('pairs.tsv', `filepath\ttitle\npictures/1.jpg\t"one\n${line.repeat(3)}`),
  ).rejects.toThrow(/^Reading .*pairs\.tsv: found no sound list of separated values \(Quote Not Closed/);
});

test('a list beside the wrong folder is refused; a single missing picture only when it is read', async () => {
  await expect(opened('pairs.tsv', 'filepath\ttitle\nimages/1.jpg\tone\n')).rejects.toThrow(
    `found none of the first pictures that it lists, such as ${join(folder, 'images/1.jpg')}`,
  );
  const path = await write('few.tsv', 'filepath\ttitle\npictures/gone.jpg\tgone\npictures/1.jpg\tone\n');
  const source = await openSources(path);
  await expect(source.row(0)).rejects.toThrow(
    `Reading the picture ${join(folder, 'pictures/gone.jpg')}: it is not there`,
  );
  expect((await source.row(1)).captions).toEqual(['one']);
});
