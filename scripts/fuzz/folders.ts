// A model folder's files beside its graphs.

import { gzipSync } from 'node:zlib';
import { parseJson } from '../../models/clip/checked.ts';
import {
  memorySource,
  tinyModel,
  withCheckpoint,
  withJson,
  withManifest,
} from '../../models/clip/fixtures/tiny-model.ts';
import { joined } from '../../models/clip/fixtures/wire.ts';
import { parseHubListing } from '../../models/clip/hub.ts';
import { readModelFolder } from '../../models/clip/model-folder.ts';
import { checkSelfTest, parseSelfTest, selfTestImage } from '../../models/clip/selftest.ts';
import { parseTokenizer } from '../../models/clip/tokenizer.ts';
import type { TokenizerFiles } from '../../models/clip/tokenizer-files.ts';
import { learnVocabulary } from '../../models/clip/vocabulary.ts';
import { parseOpenClipConfig } from '../../models/convert/checkpoints/open-clip-config.ts';
import { pick, type Random } from '../../models/data/random.ts';
import { below, mutated } from './mutate.ts';
import { jsonTarget, spoiledJson, type Target } from './target.ts';

const utf8 = new TextEncoder();

const SELF_TEST = {
  image: { recipe: 'gradient-noise', seed: 1, width: 64, height: 48 },
  prompt: 'a photo of a cat',
  vectors: { q8: { image_embeds: [0.6, 0.8], text_embeds: [1, 0] } },
};
const OPEN_CLIP = {
  model_cfg: {
    embed_dim: 512,
    vision_cfg: { width: 768, head_width: 64 },
    text_cfg: { heads: 8 },
    quick_gelu: true,
  },
  preprocess_cfg: {
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    interpolation: 'bicubic',
    resize_mode: 'shortest',
  },
};
const HUB_LISTING = [
  { type: 'file', path: 'config.json', size: 10, oid: 'a'.repeat(40) },
  {
    type: 'file',
    path: 'onnx/model.onnx',
    size: 10,
    oid: 'b'.repeat(40),
    lfs: { oid: 'c'.repeat(64), size: 10 },
  },
];

export const openClipTarget = (): Target => jsonTarget('openclip', OPEN_CLIP, parseOpenClipConfig);
export const hubTarget = (): Target => jsonTarget('hub', HUB_LISTING, parseHubListing);

export function selfTestTarget(): Target {
  return jsonTarget('selftest', SELF_TEST, (value, name) => {
    const test = parseSelfTest(value, name);
    selfTestImage(test.image);
    checkSelfTest(test, 'q8', Float32Array.of(1, 0), Float32Array.of(0, 1));
  });
}

/** One of a folder's files is hostile; the first byte says which. */
export async function folderTarget(): Promise<Target> {
  const plain = withJson(withCheckpoint(await tinyModel(), 3), 'config.json', { logit_scale: undefined });
  const listed = await withManifest(plain);
  const hostile = [
    'config.json',
    'preprocessor_config.json',
    'tokenizer_config.json',
    'manifest.json',
    'model.safetensors',
  ].map((path) => {
    const whole = listed.get(path) ?? new Uint8Array();
    const isJson = path.endsWith('.json');
    return {
      path,
      make: isJson
        ? spoiledJson(JSON.parse(new TextDecoder().decode(whole)))
        : (random: Random) => mutated([whole], random),
    };
  });
  return {
    name: 'folder',
    names: /tiny/,
    make(random) {
      const which = below(hostile.length, random);
      return joined(Uint8Array.of(which), hostile[which].make(random));
    },
    read(file) {
      const { path } = hostile[file[0]];
      const others = path === 'manifest.json' ? listed : plain;
      return readModelFolder(memorySource(new Map(others).set(path, file.slice(1))));
    },
  };
}

const PROMPTS = ['a photo of a cat.', 'x'.repeat(40), 'Ünïcode ☂', ''];

async function encodeAll(files: TokenizerFiles): Promise<void> {
  const tokenizer = await parseTokenizer(files, { contextLength: 16 });
  tokenizer.encodeBatch(PROMPTS);
}

const learned = learnVocabulary(['a photo of a cat.', 'a photo of a dog.'], { vocabSize: 530 });
const mergesTxt = `#version: 0.2\n${learned.model.merges.map((pair) => pair.join(' ')).join('\n')}\n`;

export function tokenizerTarget(): Target {
  return jsonTarget('tokenizer', learned, (tokenizerJson) =>
    encodeAll({ tokenizerJson, tokenizerConfig: { pad_token: '!' } }),
  );
}

/** merges.txt beside a sound vocab.json, or the other way round where the file is JSON. */
export function mergesTarget(): Target {
  const vocabulary = spoiledJson(learned.model.vocab);
  return {
    name: 'merges',
    names: /merges\.txt|vocab\.json/,
    make: (random) => (random() < 0.5 ? mutated([utf8.encode(mergesTxt)], random) : vocabulary(random)),
    read(file) {
      const isJson = file[0] === 0x7b;
      const vocabJson = isJson ? parseJson(file, 'vocab.json') : learned.model.vocab;
      return encodeAll({ vocabJson, mergesTxt: isJson ? mergesTxt : new TextDecoder().decode(file) });
    },
  };
}

export function gzipTarget(): Target {
  const gz = (content: Uint8Array | string, level = 6) => Uint8Array.from(gzipSync(content, { level }));
  const sound = [
    gz(mergesTxt),
    gz(mergesTxt, 0),
    gz(''),
    gz(new Uint8Array(300_000)),
    joined(gz(mergesTxt), gz('a b\n')),
  ];
  return {
    name: 'gzip',
    names: /bpe_simple_vocab_16e6\.txt\.gz/,
    make(random) {
      if (random() < 0.6) return mutated(sound, random);
      const bytes =
        random() < 0.01
          ? gz(new Uint8Array(below(3e7, random)))
          : gz(new Uint8Array(below(3e5, random)), below(10, random));
      const stated = pick([0, 100, 16 * bytes.length, 2 ** 24, 2 ** 32 - 1], random);
      new DataView(bytes.buffer).setUint32(bytes.length - 4, stated, true);
      return bytes;
    },
    read: (bpeGz) => encodeAll({ bpeGz }),
  };
}
