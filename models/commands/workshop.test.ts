// The workshop as its user meets it, through the commands: class folders of drawn shapes go in, a network is trained,
// exported and evaluated, and it knows shapes that it has never seen.

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readSafetensors } from '../clip/safetensors.ts';
import { parseTokenizer } from '../clip/tokenizer.ts';
import { TRAINING_TEMPLATES } from '../data/training-templates.ts';
import { embed } from './embed.ts';
import { zeroShot } from './evaluate.ts';
import { exportCommand } from './export.ts';
import { COLOURS, drawShapes, folderOfRuns, NETWORK, run } from './fixtures/small-runs.ts';
import { train } from './train.ts';

const { at, logOf, shortArguments } = folderOfRuns();

beforeAll(() => drawShapes(at('unseen'), 8));

it('trains, exports, evaluates and embeds', async () => {
  await run(
    train,
    ...['--train-data', at('shapes'), '--out', at('run'), '--model', at('network.json')],
    ...['--batch-size', '24', '--epochs', '15', '--lr', '0.003', '--warmup', '5', '--held-out', '12'],
    ...['--patch-dropout', '0', '--zeroshot-frequency', '5', '--threads', '1'],
  );
  const judged = (await logOf('run')).filter(({ type }) => type === 'evaluation');
  expect(judged).toHaveLength(3);
  expect(judged.at(-1).accuracy).toBeGreaterThan(0.8);
  const report = await readFile(at('run', 'report.html'), 'utf8');
  const best = Math.max(...judged.map(({ accuracy }) => accuracy));
  expect(report).toContain(`${(100 * best).toFixed(1)} %`);
  expect(report).toContain('Finished');
  expect(report.match(/src="data:image\/webp;base64,/g)).toHaveLength(12);
  await run(exportCommand, '--model', at('run'), '--threads', '1', '--to', at('page'));
  for (const precision of ['fp32', 'q8']) {
    const printed = await run(
      zeroShot,
      '--model',
      at('run'),
      '--data',
      at('unseen'),
      '--precision',
      precision,
      '--json',
    );
    const figures = JSON.parse(printed);
    expect(figures).toMatchObject({ n: 24, classes: 3, acc5: 1 });
    expect(figures.acc1).toBeGreaterThan(0.8);
  }
  const lines = await run(embed, '--model', at('run'), '--texts', 'red disc', 'blue disc', '--json');
  const [red, blue] = lines.split('\n').map((line) => JSON.parse(line));
  expect(red).toMatchObject({ kind: 'text', input: 'red disc' });
  expect(red.vector).toHaveLength(16);
  expect(blue.vector).not.toEqual(red.vector);
});

it.each([
  ['trained', 'run'],
  ['shipped', 'page'],
])('goes on from what is %s, on other data, without learning anew', async (_, from) => {
  const out = at(`tuned-${from}`);
  const short = ['--batch-size', '12', '--epochs', '1', '--lr', '1e-6', '--held-out', '12', '--threads', '1'];
  const started = ['--train-data', at('unseen'), '--pretrained', at(from), '--out', out];
  await run(train, ...started, ...short, '--warmup', '0', '--patch-dropout', '0');
  const judged = (await logOf(`tuned-${from}`)).filter(({ type }) => type === 'evaluation');
  expect(judged.map(({ step }) => step)).toEqual([0, 1]);
  for (const { accuracy } of judged) expect(accuracy).toBeGreaterThan(0.8);
  expect(await readFile(join(out, 'tokenizer.json'))).toEqual(await readFile(at('run', 'tokenizer.json')));
  await expect(run(train, ...started, '--model', at('network.json'))).rejects.toThrow(
    /--pretrained brings its own network/,
  );
});

it('learns from a teacher, who must be there and have a softmax to teach', async () => {
  const short = [
    ...['--train-data', at('unseen'), '--model', at('network.json'), '--batch-size', '12', '--epochs', '1'],
    ...['--warmup', '0', '--held-out', '0', '--patch-dropout', '0', '--threads', '1'],
  ];
  const taught = ['--distill-model', at('run')];
  await run(train, ...short, '--out', at('untaught'));
  await run(train, ...short, ...taught, '--out', at('taught'));
  const [[untaught], [first]] = await Promise.all([logOf('untaught'), logOf('taught')]);
  expect(first.loss).toBeGreaterThan(untaught.loss + 0.1);
  expect(await readFile(at('taught', 'model.safetensors'))).not.toEqual(
    await readFile(at('untaught', 'model.safetensors')),
  );
  await expect(
    run(train, ...short, ...taught, '--distill-weight', '2', '--out', at('taught'), '--resume'),
  ).rejects.toThrow(/written with --distill-weight 1, this run has 2/);
  const refused = ['--out', at('untaught too')];
  await expect(run(train, ...short, ...taught, '--siglip', ...refused)).rejects.toThrow(
    "--siglip's loss does not have",
  );
  await expect(run(train, ...short, '--distill-weight', '2', ...refused)).rejects.toThrow(
    'name one in --distill-model',
  );
  await expect(run(train, ...short, '--distill-model', at('shapes'), ...refused)).rejects.toThrow(
    /shapes.*config\.json/,
  );
  expect(await readdir(at())).not.toContain('untaught too');
});

it('learns from texts beside the pictures', async () => {
  const word = (name: string) => ({
    names: [name],
    broader: { colour: 1 },
    definition: `what is ${name} all over`,
  });
  const colours = ['red', 'green', 'blue', 'white'];
  const lexicon = {
    about: [],
    concepts: {
      colour: { names: ['colour'] },
      ...Object.fromEntries(colours.map((name) => [name, word(name)])),
    },
    labels: Object.fromEntries(colours.map((name) => [name, { is: name }])),
  };
  await writeFile(at('colours.json'), JSON.stringify(lexicon));
  const texts = ['--text-data', at('colours.json')];
  const short = [...shortArguments('shapes'), '--held-out', '0'];
  await run(train, ...short, '--out', at('with-texts'), ...texts, '--text-weight', '0.5');
  await run(train, ...short, '--out', at('without-texts'));
  const losses = await Promise.all(['with-texts', 'without-texts'].map(logOf));
  expect(losses[0][0].loss).toBeGreaterThan(losses[1][0].loss);
  const inParts = short.with(short.indexOf('--batch-size') + 1, '2').concat('--accum-freq', '2');
  await run(train, ...inParts, '--out', at('texts-in-parts'), ...texts, '--text-weight', '0.5');
  expect((await logOf('texts-in-parts'))[0].loss).toBeCloseTo(losses[0][0].loss, 4);
  await writeFile(at('vectors.txt'), colours.map((name, i) => `${name} ${i} ${i * i} 1\n`).join(''));
  const vectors = ['--word-vectors', at('vectors.txt')];
  await run(train, ...short, '--out', at('with-vectors'), ...texts, '--text-weight', '0.5', ...vectors);
  expect((await logOf('with-vectors'))[0].loss).toBeGreaterThan(losses[0][0].loss);
  const tensorsOf = async (name: string) => {
    const path = at(name, 'model.safetensors');
    return [...readSafetensors(new Uint8Array(await readFile(path)), path).keys()].sort();
  };
  expect(await tensorsOf('with-vectors')).toEqual(await tensorsOf('without-texts'));
  const changed = { ...lexicon, about: ['another version'] };
  await writeFile(at('colours.json'), JSON.stringify(changed));
  await expect(
    run(train, ...short, '--out', at('with-texts'), ...texts, '--text-weight', '0.5', '--resume'),
  ).rejects.toThrow(/cannot be resumed: it was written with --text-data .*colours\.json, SHA-256/);
  const few = { ...lexicon, labels: { red: { is: 'red' } } };
  await writeFile(at('few-colours.json'), JSON.stringify(few));
  for (const [refused, why] of [
    [['--text-weight', '1'], '--text-weight is the weight of --text-data'],
    [['--word-vectors', at('vectors.txt')], '--word-vectors is for the names of --text-data'],
    [['--text-data', at('few-colours.json')], 'Drawing 2 pairs of texts a step from'],
  ] as const) {
    await expect(run(train, ...short, '--out', at('refused-texts'), ...refused)).rejects.toThrow(why);
  }
});

it('smooths over kin that a lexicon knows, and over none that nobody knows', async () => {
  const disc = (colour: string) => ({ names: [`${colour} disc`], broader: { disc: 1 } });
  const colours = Object.keys(COLOURS);
  const lexicon = {
    about: ['made up'],
    concepts: {
      disc: { names: ['disc'], broader: {} },
      ...Object.fromEntries(colours.map((colour) => [colour, disc(colour)])),
    },
    labels: Object.fromEntries(colours.map((colour) => [`${colour} disc`, { is: colour }])),
  };
  await writeFile(at('lexicon.json'), JSON.stringify(lexicon));
  const short = [
    ...['--train-data', at('unseen'), '--model', at('network.json'), '--batch-size', '12', '--epochs', '1'],
    ...['--warmup', '0', '--held-out', '0', '--patch-dropout', '0', '--threads', '1'],
  ];
  const known = ['--lexicon', at('lexicon.json')];
  await run(train, ...short, ...known, '--out', at('sharp'));
  await run(train, ...short, ...known, '--kin-smoothing', '0.2', '--out', at('smooth'));
  expect(await readFile(at('smooth', 'model.safetensors'))).not.toEqual(
    await readFile(at('sharp', 'model.safetensors')),
  );
  const refused = ['--kin-smoothing', '0.2', '--out', at('smooth too')];
  await expect(run(train, ...short, ...refused)).rejects.toThrow('name a lexicon in --lexicon');
  await expect(run(train, ...short, ...known, '--siglip', ...refused)).rejects.toThrow(
    "--siglip's loss does not have",
  );
});

it('has learnt the words of the templates, so that a caption keeps its name', async () => {
  const tokenizerJson = JSON.parse(await readFile(at('run', 'tokenizer.json'), 'utf8'));
  const tokenizer = await parseTokenizer({ tokenizerJson }, { contextLength: 16 });
  const cut = TRAINING_TEMPLATES.filter(
    (template) => tokenizer.encode(template.replace('{}', 'green disc')).truncated,
  );
  expect(cut).toEqual([]);
});

it('trains and exports a modified ResNet', async () => {
  const vision = {
    model_type: 'modified_resnet',
    image_size: 32,
    layers: [1, 1, 1, 1],
    width: 8,
    num_attention_heads: 4,
  };
  await writeFile(
    at('resnet.json'),
    JSON.stringify({ ...NETWORK, vision_config: { ...vision, block: 'basic' } }),
  );
  const short = shortArguments('shapes').with(3, at('resnet.json'));
  await run(train, ...short, '--held-out', '0', '--out', at('resnet'));
  const printed = await run(exportCommand, '--model', at('resnet'), '--precision', 'fp32', '--threads', '1');
  expect(printed).toMatch(/fp32 .* 1\.000000 /);
  const figures = ['--model', at('resnet'), '--data', at('unseen'), '--json'];
  expect(JSON.parse(await run(zeroShot, ...figures))).toMatchObject({ n: 24, classes: 3 });
});

it('every option that decides the weights does', async () => {
  const weightsOf = async (changed: readonly string[], data = 'shapes', network = 'network.json') => {
    const out = at('option', data, ...changed);
    const options = ['--train-data', at(data), '--model', at(network), '--batch-size', '24'];
    const length = ['--epochs', '0.6', '--held-out', '0', '--threads', '1'];
    await run(train, ...options, ...length, ...changed, '--out', out);
    return (await readFile(join(out, 'model.safetensors'))).toString('base64');
  };
  const seen = [await weightsOf([])];
  for (const changed of [
    ...[
      ['--wd', '1'],
      ['--lr', '0.001'],
      ['--beta1', '0.5'],
      ['--beta2', '0.5'],
      ['--eps', '0.1'],
    ],
    ...[
      ['--grad-clip-norm', '0.1'],
      ['--crop-scale', '0.1'],
      ['--caption-tokens', '4'],
      ['--color-jitter-prob', '1'],
      ['--flip-prob', '0'],
    ],
    ...[
      ['--gray-scale-prob', '1'],
      ['--seed', '1'],
      ['--opt', 'muon'],
      ['--precision', 'int8'],
      ['--ema-decay', '0.5'],
      ['--siglip'],
      ['--positives', 'several'],
      ['--patch-dropout', '0.75'],
      ['--unmasked-epochs', '0'],
      ['--upsampling-factors', 'shapes=2'],
    ],
  ]) {
    const weights = await weightsOf(changed);
    expect(seen.includes(weights), changed.join(' ')).toBe(false);
    seen.push(weights);
  }
  // Small pictures are coarse as they are.
  const network = { ...NETWORK, vision_config: { ...NETWORK.vision_config, image_size: 48 } };
  await writeFile(at('large.json'), JSON.stringify(network));
  await drawShapes(at('large'), 40, 96);
  const coarse = await weightsOf(['--low-res-prob', '1'], 'large', 'large.json');
  expect(coarse === (await weightsOf([], 'large', 'large.json'))).toBe(false);
}, 180_000);

it('goes without held-out pictures that are damaged, and tells of each', async () => {
  await drawShapes(at('damaged'), 10);
  const names = Object.keys(COLOURS).flatMap((name) => [0, 1, 2].map((i) => `${name} disc/${i}.png`));
  for (const name of names) await writeFile(at('damaged', name), 'no picture');
  const short = [...shortArguments('damaged'), '--held-out', '15'];
  await run(train, ...short, '--out', at('sound'));
  const log = await logOf('sound');
  const told = log.filter(({ type, message }) => type === 'damaged' && message.startsWith('Leaving out'));
  expect(told.length).toBeGreaterThan(0);
  expect(log.filter(({ type }) => type === 'evaluation')).toHaveLength(1);
});

it('tells how it fares with classes that it sees nothing of', async () => {
  const short = [...shortArguments('shapes'), '--held-out', '20', '--out', at('unseen-classes')];
  await run(train, ...short, '--held-out-classes', '1', '--report-to', 'html,tensorboard');
  const [judged] = (await logOf('unseen-classes')).filter(({ type }) => type === 'evaluation');
  // Of one class there is nothing to confuse it with.
  expect(judged.unseen).toBe(1);
  const { predictions } = judged;
  const seen = new Set(
    predictions.flatMap(({ best }: { best: { label: string }[] }) => best.map(({ label }) => label)),
  );
  expect(seen.size).toBe(2);
  expect(await readFile(at('unseen-classes', 'report.html'), 'utf8')).toContain('Unseen classes');
  await expect(
    run(
      train,
      ...shortArguments('shapes'),
      '--out',
      at('unjudged'),
      '--held-out',
      '0',
      '--held-out-classes',
      '1',
    ),
  ).rejects.toThrow(/--held-out-classes are judged beside held-out rows/);
});

it('is judged by captions where data has no labels, and shows what it trains on where nothing is held out', async () => {
  const rows = Object.keys(COLOURS).flatMap((name) =>
    Array.from(
      { length: 8 },
      (_, i) => `${at('unseen', `${name} disc`, `${i}.png`)},A ${name} disc and a ${i}.`,
    ),
  );
  await writeFile(at('captions.csv'), `filepath,title\n${rows.join('\n')}\n`);
  const short = shortArguments('captions.csv');
  await run(train, ...short, '--held-out', '6', '--out', at('by captions'));
  const [judged] = (await logOf('by captions')).filter(({ type }) => type === 'evaluation');
  expect(judged.accuracy * 6).toBeCloseTo(Math.round(judged.accuracy * 6), 4);
  expect(judged.predictions).toHaveLength(6);
  expect(judged.predictions[0].best[0].label).toMatch(/^A \w+ disc and a \d\.$/);
  expect(await readFile(at('by captions', 'report.html'), 'utf8')).toContain('of 6 captions');

  await run(train, ...shortArguments('shapes'), '--held-out', '0', '--out', at('none held out'));
  const [shown] = (await logOf('none held out')).filter(({ type }) => type === 'evaluation');
  expect(shown).toMatchObject({ accuracy: null, better: false });
  expect(shown.predictions).toHaveLength(16);
  const report = await readFile(at('none held out', 'report.html'), 'utf8');
  expect(report).toContain('the pictures that it trains on');
  expect(report).toContain('of 3 labels');
});

it('reports to whom it is asked to, and says nothing that data could turn into markup', async () => {
  await drawShapes(at('marked'), 10);
  await rename(at('marked', 'red disc'), at('marked', '<b>red & round'));
  const short = [...shortArguments('marked'), '--held-out', '6'];
  await run(train, ...short, '--out', at('reported'), '--report-to', 'html,tensorboard');
  const report = await readFile(at('reported', 'report.html'), 'utf8');
  expect(report).toContain('&lt;b&gt;red &amp; round');
  expect(report).not.toContain('<b>red');
  const [{ accuracy, predictions }] = (await logOf('reported')).filter(({ type }) => type === 'evaluation');
  expect(report).toContain(`${(100 * accuracy).toFixed(1)} %`);
  expect(predictions).toHaveLength(6);
  for (const { best } of predictions) {
    expect(best).toHaveLength(3);
    expect(best.filter(({ right }: { right: boolean }) => right)).toHaveLength(1);
  }
  const firsts = predictions.filter(({ best }: { best: { right: boolean }[] }) => best[0].right);
  expect(firsts.length / 6).toBeCloseTo(accuracy, 5);
  expect(await readdir(at('reported', 'tensorboard'))).toHaveLength(1);

  await run(train, ...short, '--out', at('quiet'), '--report-to', 'none');
  const written = await readdir(at('quiet'));
  expect(written).toContain('log.jsonl');
  expect(written).not.toContain('report.html');
  expect(written).not.toContain('tensorboard');
  await expect(run(train, ...short, '--out', at('both'), '--report-to', 'none,html')).rejects.toThrow(
    '--report-to is none,html; leave none out, or give it alone.',
  );
});

it('a run that is refused leaves a finished model as it was', async () => {
  const small = ['--train-data', at('shapes'), '--model', at('network.json'), '--batch-size', '4000'];
  for (const file of ['config.json', 'manifest.json', 'model.safetensors']) {
    await mkdir(at(`finished ${file}`), { recursive: true });
    await writeFile(at(`finished ${file}`, file), 'kept');
    await expect(run(train, ...small, '--out', at(`finished ${file}`))).rejects.toThrow(
      `${at(`finished ${file}`, file)} belongs to a model`,
    );
    expect(await readdir(at(`finished ${file}`))).toEqual([file]);
  }
  await expect(run(train, ...small, '--out', at('refused'))).rejects.toThrow('Use a smaller batch');
  expect(existsSync(at('refused'))).toBe(false);
  await expect(run(train, ...small, '--out', at('network.json'))).rejects.toThrow(
    `The folder ${at('network.json')} cannot be listed`,
  );
});

it.each([
  ['--beta1', '1'],
  ['--beta2', '1'],
  ['--eps', '0'],
  ['--lr', '0'],
  ['--grad-clip-norm', '0'],
  ['--epochs', '0'],
])('%s %s, which would train nothing, is refused', async (name, value) => {
  const options = ['--train-data', at('shapes'), '--out', at('nothing'), name, value];
  await expect(run(train, ...options)).rejects.toThrow(`${name} is "${value}"; it must be a number`);
});

it('a short run reaches its peak: its warm-up is a tenth, and a longer one than the run is refused', async () => {
  const ten = ['--train-data', at('shapes'), '--model', at('network.json'), '--batch-size', '12'];
  const length = [
    '--epochs',
    '2',
    '--held-out',
    '0',
    '--patch-dropout',
    '0',
    '--threads',
    '1',
    '--lr',
    '0.5e-3',
  ];
  await run(train, ...ten, ...length, '--out', at('short'));
  const rates = (await logOf('short')).filter(({ type }) => type === 'step').map((line) => line.learningRate);
  expect(rates).toHaveLength(20);
  expect(rates.slice(0, 3)).toEqual([0.25e-3, 0.5e-3, 0.5e-3]);
  await expect(run(train, ...ten, ...length, '--out', at('long'), '--warmup', '21')).rejects.toThrow(
    '--warmup is 21, longer than the whole run of 20 steps',
  );
});

it('what is not there is a sentence', async () => {
  const data = ['--train-data', at('shapes'), '--out', at('empty')];
  await expect(run(train, ...data, '--resume')).rejects.toThrow(
    `${at('empty', 'tokenizer.json')} could not be read: it is not there. --resume goes on with a run`,
  );
  await expect(run(train, ...data, '--model', at('nope.json'))).rejects.toThrow(
    `${at('nope.json')} could not be read: it is not there. Name the config.json of a CLIP`,
  );
});
