import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheStorage } from '../storage/fixtures/cache-storage.ts';
import { putRecord } from '../storage/model-files.ts';
import { loadSiteIndex, loadSiteModel } from './site-index.ts';

const BASE = 'https://site.example/lens/';

/** What the site answers, by path under the page; null where it cannot be reached. */
let answers: Record<string, (() => Response) | null>;

beforeEach(() => {
  answers = {};
  vi.stubGlobal('fetch', async (url: string) => {
    const answer = answers[url.slice(BASE.length)];
    if (answer === null) throw new TypeError('Failed to fetch');
    return answer?.() ?? new Response(null, { status: 404 });
  });
  vi.stubGlobal('caches', cacheStorage());
  vi.stubGlobal('location', { origin: 'https://site.example' });
});
afterEach(() => vi.unstubAllGlobals());

const text = (content: string, type = 'application/json') => {
  return () => new Response(content, { headers: { 'content-type': type } });
};

describe('models.json', () => {
  const index = (content: unknown) => {
    answers['models.json'] = text(typeof content === 'string' ? content : JSON.stringify(content));
    return loadSiteIndex(BASE);
  };

  it('says what the site serves, and which hub is asked', async () => {
    const models = [
      { folder: 'mini', license: null },
      { folder: 'tiny-2.1', license: 'mit' },
    ];
    expect(await index({ hub: 'https://hub.example', models })).toEqual({
      hub: 'https://hub.example',
      models,
    });
  });

  it('written by hand, may end the hub with a slash', async () => {
    expect((await index({ hub: 'https://hub.example/', models: [] })).hub).toBe('https://hub.example');
  });

  it('may be missing, also where the start page stands in for it', async () => {
    const none = { hub: 'https://huggingface.co', models: [] };
    expect(await loadSiteIndex(BASE)).toEqual(none);
    answers['models.json'] = text('<!doctype html>', 'text/html; charset=utf-8');
    expect(await loadSiteIndex(BASE)).toEqual(none);
  });

  it('is not guessed where the server fails or is away', async () => {
    answers['models.json'] = () => new Response(null, { status: 500 });
    await expect(loadSiteIndex(BASE)).rejects.toThrow(`the server answered 500 for ${BASE}models.json.`);
    answers['models.json'] = null;
    await expect(loadSiteIndex(BASE)).rejects.toThrow();
  });

  const folder = (name: string) => ({
    hub: 'https://hub.example',
    models: [{ folder: name, license: null }],
  });
  it.each<[string, unknown, RegExp]>([
    ['cut off', '{"hub": "https://hub.exa', /it is not JSON/],
    ['a list', [], /hub/],
    ['without a hub', { models: [] }, /hub/],
    ['with a hub that is no address', { hub: 'hub.example', models: [] }, /hub/],
    ['without models', { hub: 'https://hub.example' }, /models/],
    ['with names alone', { hub: 'https://hub.example', models: ['mini'] }, /models\.0/],
    ['with a path', folder('../secret'), /models\.0\.folder: Expected a plain name/],
    ['with an address', folder('https://elsewhere.example'), /models\.0\.folder: Expected a plain name/],
    ['without a name', folder(''), /models\.0\.folder: Expected a plain name/],
  ])('%s is refused by its address and the reason', async (_, content, reason) => {
    const refused = index(content);
    await expect(refused).rejects.toThrow(`${BASE}models.json was refused: `);
    await expect(refused).rejects.toThrow(reason);
  });
});

describe('a model of the site', () => {
  const MANIFEST = 'models/mini/manifest.json';
  const [ONE, TWO] = ['1', '2'].map((digit) => digit.repeat(64));
  const manifest = JSON.stringify({
    files: [
      { path: 'config.json', bytes: 10, sha256: ONE },
      { path: 'onnx/vision_model.onnx', bytes: 500, sha256: TWO },
    ],
  });
  const load = () => loadSiteModel('mini', 'mit', BASE);
  const keep = (files: readonly string[], list = manifest) =>
    putRecord(`${BASE}models/mini/`, { files, manifest: new TextEncoder().encode(list) });

  it('is what its manifest says, and how much of it is kept', async () => {
    answers[MANIFEST] = text(manifest);
    expect(await load()).toMatchObject({ folder: 'mini', license: 'mit', keptBytes: 0 });
    await keep([TWO]);
    const { keptBytes, files } = await load();
    expect(keptBytes).toBe(500);
    expect(files.map(({ path }) => path)).toEqual(['config.json', 'onnx/vision_model.onnx']);
  });

  it('counts nothing of what an earlier manifest named', async () => {
    await keep([ONE, TWO]);
    answers[MANIFEST] = text(manifest.replace(TWO, '3'.repeat(64)));
    expect((await load()).keptBytes).toBe(10);
  });

  it('with the network off, is what was kept of it', async () => {
    answers[MANIFEST] = null;
    await expect(load()).rejects.toThrow();
    await keep([ONE, TWO]);
    expect(await load()).toMatchObject({ keptBytes: 510 });
  });

  it('with a manifest that says nothing, is refused by its address', async () => {
    answers[MANIFEST] = text('{"files": 3}');
    await expect(load()).rejects.toThrow(`${BASE}${MANIFEST} was refused: files`);
  });
});
