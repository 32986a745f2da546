import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { siteIndex } from './site-models.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'site-models-'));
});
afterEach(() => rm(root, { recursive: true }));

async function folder(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(root, name));
  for (const [path, content] of Object.entries(files)) await writeFile(join(root, name, path), content);
}
const index = async (hub = '') => JSON.parse(await siteIndex(root, hub));

it('lists the folders that a page can read, each with the licence of its card', async () => {
  await folder('tiny', { 'manifest.json': '{}', 'README.md': '---\nlicense: mit\n---\n' });
  await folder('mini', { 'manifest.json': '{}' });
  await folder('half copied', { 'config.json': '{}' });
  await writeFile(join(root, 'README.md'), '---\nlicense: mit\n---\n');
  expect(await index()).toEqual({
    hub: 'https://huggingface.co',
    models: [
      { folder: 'mini', license: null },
      { folder: 'tiny', license: 'mit' },
    ],
  });
});

it('lists none where there is no such folder', async () => {
  expect(JSON.parse(await siteIndex(join(root, 'none'), '')).models).toEqual([]);
});

it('refuses a folder that no address of the page could name', async () => {
  await folder('my model', { 'manifest.json': '{}' });
  await expect(index()).rejects.toThrow(/\/my model cannot be served: .* Rename the folder\.$/);
});

it.each([
  ['https://hub.example/', 'https://hub.example'],
  ['https://proxy.example/hf//', 'https://proxy.example/hf'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
])('has models come from %s', async (given, hub) => {
  expect((await index(given)).hub).toBe(hub);
});

it.each(['hub.example', 'ftp://hub.example', 'https://', '/hub'])(
  'refuses the hub %j while the page is built',
  async (given) => {
    await expect(index(given)).rejects.toThrow(/^HF_ENDPOINT is ".*"; a hub's address such as/);
  },
);
