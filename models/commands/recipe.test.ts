// A recipe from data to figures, of a few drawn pictures; what is there is kept, and what was stopped goes on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { COMMANDS, Recipe, recipe } from './recipe.ts';

let folder = '';
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-recipe-'));
  for (const [name, colour] of Object.entries({ red: '#f00', blue: '#00f' })) {
    await mkdir(at('pictures', name), { recursive: true });
    for (let i = 0; i < 8; i++) {
      const picture = sharp({ create: { width: 16 + i, height: 16, channels: 3, background: colour } });
      await picture.png().toFile(at('pictures', name, `${i}.png`));
    }
  }
  const tower = { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2 };
  const network = {
    model_type: 'clip',
    projection_dim: 8,
    vision_config: { ...tower, image_size: 8, patch_size: 4 },
    text_config: { ...tower, max_position_embeddings: 12, vocab_size: 600, bos_token_id: 0, eos_token_id: 1 },
  };
  await writeFile(at('network.json'), JSON.stringify(network));
});
afterAll(() => rm(folder, { recursive: true }));

const stages = () => [
  {
    command: 'train',
    options: {
      'train-data': at('pictures'),
      model: at('network.json'),
      out: at('run'),
      'batch-size': 4,
      epochs: 1,
      'held-out': 0,
      threads: 1,
      'report-to': ['none'],
    },
  },
  {
    command: 'export',
    makes: at('run', 'onnx'),
    options: { model: at('run'), precision: ['fp32'], threads: 1, force: true },
  },
  { command: 'evaluate zero-shot', options: { model: at('run'), data: at('pictures'), json: true } },
];

/** What a recipe printed. */
async function follow(stages: readonly object[], every: object = {}): Promise<string[]> {
  await writeFile(at('recipe.json'), JSON.stringify({ about: ['a test'], every, stages }));
  const printed: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((...words) => void printed.push(words.join(' ')));
  await recipe.execute(['--recipe', at('recipe.json')]);
  vi.restoreAllMocks();
  return printed;
}

it('goes from pictures to figures', async () => {
  const printed = await follow(stages());
  expect(JSON.parse(printed.at(-1) ?? '')).toMatchObject({ n: 16, classes: 2 });
});

it('keeps what is there and goes on with a run', async () => {
  const made = async () => (await stat(at('run', 'onnx', 'vision_model.onnx'))).mtimeMs;
  const [before, weights] = [await made(), await readFile(at('run', 'model.safetensors'))];
  const printed = await follow(stages());
  expect(printed[0]).toMatch(/^1 of 3: train .* --resume$/);
  expect(printed).toContain(`2 of 3: ${at('run', 'onnx')} is there`);
  expect(await made()).toBe(before);
  expect(await readFile(at('run', 'model.safetensors'))).toEqual(weights);
});

it('gives every stage of a command what is said once, unless the stage says otherwise', async () => {
  const [training] = stages();
  const { epochs, ...shared } = training.options;
  const every = { train: { ...shared, seed: 3, 'gray-scale-prob': 0.5 } };
  const options = { out: at('shared'), epochs, seed: 4, 'gray-scale-prob': false };
  const [printed] = await follow([{ command: 'train', options }], every);
  expect(printed).toContain(`--train-data ${at('pictures')} `);
  expect(printed).toContain(`--out ${at('shared')} `);
  expect(printed).toContain('--seed 4');
  expect(printed).not.toContain('gray-scale-prob');
  // Its folder too: what was begun there goes on.
  const everything = { train: { ...shared, epochs, out: at('shared'), seed: 4 } };
  const [again] = await follow([{ command: 'train', options: {} }], everything);
  expect(again).toMatch(/--resume$/);
});

it('refuses what is no recipe, and stops where a command fails', async () => {
  await expect(follow([])).rejects.toThrow(/recipe\.json/);
  await expect(follow([{ command: 'bake', options: {} }])).rejects.toThrow(/recipe\.json.*command/);
  const [training, ...rest] = stages();
  const failing = { ...training, options: { ...training.options, epochs: 2 } };
  await expect(follow([failing, ...rest])).rejects.toThrow(
    /recipe\.json, stage 1 \(train\): .*cannot be resumed.*--epochs 1/,
  );
});

it('tells of a wrong option in the last stage before it begins with the first', async () => {
  const [training, exporting, evaluation] = stages();
  const begin = { ...training, options: { ...training.options, out: at('never') } };
  const wrong = { ...evaluation, options: { ...evaluation.options, outt: 'x' } };
  await expect(follow([begin, exporting, wrong])).rejects.toThrow(
    /recipe\.json, stage 3 \(evaluate zero-shot\): There is no option --outt\.$/,
  );
  await expect(stat(at('never'))).rejects.toThrow('ENOENT');
});

it('stops where a training run is stopped, and exports nothing of half a run', async () => {
  const [training, exporting] = stages();
  const options = { ...training.options, out: at('stopped'), epochs: 5000 };
  await writeFile(
    at('recipe.json'),
    JSON.stringify({
      about: ['a test'],
      stages: [
        { ...training, options },
        { command: 'export', options: { ...exporting.options, model: at('stopped') } },
      ],
    }),
  );
  const script = join(import.meta.dirname, 'recipe.ts');
  const argv = ['--import', 'tsx', script, '--recipe', at('recipe.json')];
  const following = spawn(process.execPath, argv);
  const ended = once(following, 'exit');
  while (!existsSync(at('stopped', 'config.json')) && following.exitCode === null) await setTimeout(20);
  following.kill('SIGINT');
  expect(await ended).toEqual([1, null]);
  expect(existsSync(at('stopped', 'onnx'))).toBe(false);
}, 60_000);

it('gives each of a list to its command', async () => {
  const [, exporting] = stages();
  const images = ['red', 'blue'].map((name) => at('pictures', name, '0.png'));
  await rm(at('run', 'onnx'), { recursive: true });
  await follow([{ ...exporting, options: { ...exporting.options, images } }]);
  expect(existsSync(at('run', 'onnx', 'vision_model.onnx'))).toBe(true);
});

it.each(['recipe', 'search'])('the %s of the default model asks for what its commands know', async (name) => {
  const file = join(import.meta.dirname, `../recipes/promptlens-mini/${name}.json`);
  const { every, stages } = v.parse(Recipe, JSON.parse(await readFile(file, 'utf8')));
  for (const { command: name, options } of stages) {
    const help = COMMANDS.find((each) => each.name === name)?.help();
    for (const option of Object.keys({ ...every[name], ...options }))
      expect(help, name).toContain(`--${option} `);
  }
});
