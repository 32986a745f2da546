// npm run -s verify:peer
// npm run -s verify:peer -- ViT-B/16
//
// A published size of CLIP (ViT-B/32 if none is named) with made-up weights, imported and exported here in fp32 with CLIP's own
// tokenizer, then loaded by transformers.js unchanged. Ends with 1 where a bound is passed. scripts/verify-peer.mjs, which npm
// runs, has installed what is needed by now.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIP_FOLDER, hasClipFolder, readJson } from '../models/clip/fixtures/tokenizers.ts';
import type { RgbImage } from '../models/clip/types.ts';
import { exportModel } from '../models/convert/export.ts';
import { importModel } from '../models/convert/import.ts';
import { PUBLISHED, writePublished } from '../models/convert/published/checkpoint.ts';
import { decodeImage } from '../models/files/decode-image.ts';
import { type Comparison, compareWithPeer, passes } from './peer/compare.ts';

const PHOTOGRAPHS = '../shared/photos';
const PHOTOGRAPH_COUNT = 8;
const PROMPTS = '../shared/clip-prompts.json';
/** Of ImageNet's eighty templates each with another of its thousand classes. */
const CLASS_STEP = 13;
const ODD_PROMPTS = [
  '',
  'CAT',
  "it's a dog's life…",
  '  two  words ',
  'naïve café №5',
  '猫の写真',
  '🐈‍⬛ 1234 !!!',
];

const [name = 'ViT-B/32'] = process.argv.slice(2);
const sizes = PUBLISHED.get(name);
if (!sizes)
  throw new Error(`There is no ${name}; the published models are ${[...PUBLISHED.keys()].join(', ')}.`);
if (!hasClipFolder)
  throw new Error(`CLIP's own tokenizer is not in ${CLIP_FOLDER}; it is what is compared here.`);

const root = await mkdtemp(join(tmpdir(), 'verify-peer-'));
try {
  const [checkpoint, folder] = ['seeded.safetensors', 'model'].map((file) => join(root, file));
  await writePublished(checkpoint, sizes);
  await importModel({ source: checkpoint, out: folder, tokenizer: CLIP_FOLDER });
  await rm(checkpoint);
  await exportModel(folder, { precisions: ['fp32'], combined: true });
  const { templates, classes }: { templates: string[]; classes: string[] } = readJson(PROMPTS).ImageNet;
  const prompts = templates.map((template, i) =>
    template.replaceAll('{}', () => classes[(i * CLASS_STEP) % classes.length]),
  );
  const compared = await compareWithPeer(
    folder,
    await photographs(),
    [...prompts, ...ODD_PROMPTS],
    classes.slice(0, 10),
  );
  print(compared);
  if (!compared.every(passes)) process.exitCode = 1;
} finally {
  await rm(root, { recursive: true });
}

async function photographs(): Promise<RgbImage[]> {
  const files = (await readdir(PHOTOGRAPHS)).filter((file) => file.endsWith('.jpg')).sort();
  const first = files.slice(0, PHOTOGRAPH_COUNT);
  return Promise.all(first.map(async (file) => decodeImage(await readFile(join(PHOTOGRAPHS, file)), file)));
}

function print(compared: readonly Comparison[]): void {
  const cells = compared.map((each) => [
    each.what,
    each.difference.toPrecision(2),
    each.bound === null ? '–' : String(each.bound),
    passes(each) ? 'yes' : 'NO',
    each.of,
  ]);
  const table = [['in transformers.js', 'difference', 'bound', 'passes', 'of'], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) console.log(`| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`);
}
