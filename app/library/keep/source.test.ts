import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostsOf } from './hosts.ts';
import { deviceId, parseSource, type Source, sourceWords } from './source.ts';

const HUB = 'https://huggingface.co';
const parse = (text: string) => parseSource(text, HUB);

describe('parseSource', () => {
  it.each([
    ['Xenova/mobileclip_s0', 'main'],
    [' Xenova/mobileclip_s0\n', 'main'],
    ['https://huggingface.co/Xenova/mobileclip_s0', 'main'],
    ['https://huggingface.co/Xenova/mobileclip_s0/tree/v1.0', 'v1.0'],
    ['https://huggingface.co/Xenova/mobileclip_s0/resolve/refs%2Fpr%2F1/config.json', 'refs/pr/1'],
    ['https://huggingface.co/Xenova/mobileclip_s0/tree/%zz', '%zz'],
    ['https://huggingface.co/Xenova/mobileclip_s0/?library=transformers.js#files', 'main'],
  ])('finds a model of the hub in %j', (text, revision) => {
    expect(parse(text)).toEqual({
      kind: 'hub',
      model: { endpoint: HUB, id: 'Xenova/mobileclip_s0', revision },
    });
  });

  it.each([
    ['https://models.example/clip/tiny', 'https://models.example/clip/tiny/'],
    ['https://models.example/clip/tiny/?x=1#y', 'https://models.example/clip/tiny/'],
    ['http://127.0.0.1:8080/tiny/', 'http://127.0.0.1:8080/tiny/'],
    ['https://nas/tiny', 'https://nas/tiny/'],
  ])('finds a folder in %j', (text, url) => {
    expect(parse(text)).toEqual({ kind: 'folder', url });
  });

  it.each([
    '',
    'cat',
    'http://models.example/tiny/',
    'ftp://models.example/tiny',
    'javascript:alert(1)',
    'a/b/c',
    '../b',
  ])('refuses %j with what would do', (text) => {
    expect(() => parse(text)).toThrow(/is neither a model’s name on the hub, .* nor the address/);
  });
});

it('reads again what it writes down', () => {
  const part = fc.stringMatching(/^[\w-][\w.-]{0,8}$/);
  fc.assert(
    fc.property(part, part, fc.string({ minLength: 1, maxLength: 12 }), (owner, name, revision) => {
      const source: Source = { kind: 'hub', model: { endpoint: HUB, id: `${owner}/${name}`, revision } };
      fc.pre(!/^\.{1,2}$/.test(revision));
      expect(parse(sourceWords(source))).toEqual(source);
    }),
  );
});

it('says what a model is called here, where it is from and which hosts are asked for it', () => {
  const named = (text: string) => {
    const source = parse(text);
    return [deviceId(source), sourceWords(source), ...hostsOf(source)];
  };
  expect(named('Xenova/mobileclip_s0')).toEqual([
    'Xenova/mobileclip_s0',
    'https://huggingface.co/Xenova/mobileclip_s0',
    'https://huggingface.co',
    'https://*.huggingface.co',
    'https://*.hf.co',
  ]);
  expect(named('https://huggingface.co/a/b/tree/v1')[0]).toBe('a/b@v1');
  expect(named('https://huggingface.co/a/b/tree/refs%2Fpr%2F1')[0]).toBe('a/b@refs%2Fpr%2F1');
  const commit = `0b5ecc1${'e'.repeat(33)}`;
  expect(named(`https://huggingface.co/a/b/tree/${commit}`).slice(0, 2)).toEqual([
    'a/b@0b5ecc1',
    `https://huggingface.co/a/b/tree/${commit}`,
  ]);
  expect(named('https://models.example/clip/tiny')).toEqual([
    'https://models.example/clip/tiny',
    'https://models.example/clip/tiny/',
    'https://models.example',
  ]);
});
