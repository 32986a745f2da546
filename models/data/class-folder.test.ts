import * as fs from 'node:fs/promises';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ColumnSource } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  all,
  labelled,
  writeFiles as writeFilesIn,
  writeParquet as writeParquetIn,
} from './fixtures/rows.ts';
import { openSources } from './sources.ts';

vi.mock(import('node:fs/promises'), { spy: true });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-data-'));
});
afterEach(() => rm(folder, { recursive: true }));

const writeParquet = (name: string, columns: ColumnSource[]) => writeParquetIn(folder, name, columns);

describe('class folders', () => {
  const writeFiles = (files: Record<string, string>) => writeFilesIn(folder, files);

  test('folder names are labels, pictures come in the order of their names, other files are passed over', async () => {
    await writeFiles({
      'animals/golden_retriever/2.jpg': 'two',
      'animals/golden_retriever/1.JPEG': 'one',
      'animals/golden_retriever/Thumbs.db': 'x',
      'animals/cat; tabby/a.png': 'a',
      'animals/.git/HEAD.png': 'x',
      'animals/readme.txt': 'x',
    });
    const source = await openSources(join(folder, 'animals'), () => undefined);
    expect(source.length).toBe(3);
    expect(
      (await all(source)).map(({ image, ...text }) => ({ ...text, image: new TextDecoder().decode(image) })),
    ).toEqual([
      {
        id: 'animals/cat; tabby/a.png',
        labels: ['cat', 'tabby'],
        captions: [],
        source: 'animals',
        image: 'a',
      },
      {
        id: 'animals/golden_retriever/1.JPEG',
        labels: ['golden retriever'],
        captions: [],
        source: 'animals',
        image: 'one',
      },
      {
        id: 'animals/golden_retriever/2.jpg',
        labels: ['golden retriever'],
        captions: [],
        source: 'animals',
        image: 'two',
      },
    ]);
  });

  test('what is left out is counted and told', async () => {
    const opened = async (path: string) => {
      const told: string[] = [];
      const { length } = await openSources(join(folder, path), (message) => told.push(message));
      return { length, told };
    };
    await writeFiles({ 'animals/dog/1.png': 'x', 'animals/cat/1.png': 'x' });
    expect(await opened('animals')).toEqual({ length: 2, told: [] });
    await writeFiles({
      'animals/dog/2.HEIC': 'x',
      'animals/cat/2.heic': 'x',
      'animals/cat/3.bmp': 'x',
      'animals/cat/kittens/1.png': 'x',
    });
    expect(await opened('animals')).toEqual({
      length: 2,
      told: [expect.stringContaining('animals: left out 2 × .heic, 1 × .bmp, 1 × folder, expected .jpg')],
    });
    await writeFiles({ 'photos/dog/1.HEIC': 'x' });
    await expect(opened('photos')).rejects.toThrow('found no picture in it but 1 × .heic, expected .jpg');
    await writeParquet('animals/extra.parquet', labelled(['bird']));
    expect(await opened('animals')).toEqual({
      length: 1,
      told: [expect.stringContaining('animals: left out 2 folders in it, since')],
    });
  });

  test('a linked class folder counts', async () => {
    await writeFiles({ 'elsewhere/cat/1.png': 'x', 'animals/dog/1.png': 'x' });
    await symlink(join(folder, 'elsewhere/cat'), join(folder, 'animals/cat'));
    expect((await openSources(join(folder, 'animals'))).length).toBe(2);
  });

  test('links among the pictures that cannot be followed are counted and told, each by its fault', async () => {
    await writeFiles({ 'animals/dog/1.png': 'x', 'animals/cat/1.png': 'x' });
    await symlink(join(folder, 'nowhere'), join(folder, 'animals/dog/2.png'));
    await symlink(join(folder, 'animals/dog/1.png/inside'), join(folder, 'animals/dog/3.png'));
    await symlink('4.png', join(folder, 'animals/dog/4.png'));
    const forbidden = join(folder, 'animals/cat/2.png');
    await symlink(join(folder, 'animals/dog/1.png'), forbidden);
    const { stat } = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
    vi.mocked(fs.stat).mockImplementation((path, options) =>
      path === forbidden
        ? Promise.reject(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }))
        : stat(path, options),
    );
    const told: string[] = [];
    expect((await openSources(join(folder, 'animals'), (message) => told.push(message))).length).toBe(2);
    expect(told).toEqual([
      expect.stringContaining(
        'animals: left out 1 × link that leads to what permissions forbid, 2 × link that leads nowhere, 1 × link that leads in a circle, expected .jpg',
      ),
    ]);
    vi.mocked(fs.stat).mockRestore();

    await rm(join(folder, 'animals/dog/1.png'));
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the class folder ${join(folder, 'animals/dog')}: found no picture in it but 2 × link that leads nowhere, 1 × link that leads in a circle, expected`,
    );
  });

  test('a class that is a link to nowhere and one without a name are named', async () => {
    await writeFiles({ 'animals/dog/1.png': 'x' });
    const link = join(folder, 'animals/cat');
    await symlink(join(folder, 'nowhere'), link);
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the link ${link}: it leads nowhere, expected a class's folder.`,
    );
    await rm(link);
    await writeFiles({ 'animals/;/1.png': 'x' });
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the class folder ${join(folder, 'animals', ';')}: found no name in its own`,
    );
  });

  test('an empty folder, an empty class and a vanished picture are named', async () => {
    await writeFiles({ 'animals/dog/1.png': 'x', 'animals/cat/notes.txt': 'x', 'bare/1.png': 'x' });
    await mkdir(join(folder, 'empty'));
    await expect(openSources(join(folder, 'empty'))).rejects.toThrow(
      `Reading the folder ${join(folder, 'empty')}: found neither parquet files nor folders in it`,
    );
    await expect(openSources(join(folder, 'bare'))).rejects.toThrow(
      'found neither parquet files nor folders',
    );
    await expect(openSources(join(folder, 'animals'))).rejects.toThrow(
      `Reading the class folder ${join(folder, 'animals', 'cat')}: found no picture in it`,
    );
    await rm(join(folder, 'animals', 'cat'), { recursive: true });
    const source = await openSources(join(folder, 'animals'));
    await rm(join(folder, 'animals', 'dog', '1.png'));
    await expect(source.row(0)).rejects.toThrow(
      `Reading the picture ${join(folder, 'animals', 'dog', '1.png')}`,
    );
  });
});
