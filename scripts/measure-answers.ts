// npm run -s measure:answers
// npm run -s measure:answers -- --model public/models/mine --data my-photos-kept
//
// What the page's words about a ranking are worth, and what labels do to one that are typed otherwise or that training never had. Each
// picture is ranked among ten labels of its own data set (nine where it has ten), with the right one and without it, in other forms, and with ten more. Then
// photographs from elsewhere, each with the labels that are right for it, among the first ones of all.

import { basename, join } from 'node:path';
import * as v from 'valibot';
import { type Certainty, certainty, unrelated } from '../app/classify/certainty.ts';
import { EVERYDAY_WORDS } from '../app/classify/everyday-words.ts';
import { checked, parseJson } from '../models/clip/checked.ts';
import { templateSet } from '../models/clip/prompts.ts';
import { rankCosines } from '../models/clip/ranking.ts';
import { command, runWhereMain } from '../models/commands/arguments.ts';
import { MODEL_OPTIONS } from '../models/commands/model-options.ts';
import { withProgress } from '../models/commands/progress.ts';
import { DATA_KINDS } from '../models/data/open-path.ts';
import { pictureSource } from '../models/data/picture-rows.ts';
import { pluralOf } from '../models/data/plural.ts';
import { permutation, type Random, randomStream } from '../models/data/random.ts';
import { openSources } from '../models/data/sources.ts';
import { classesOf, zeroShot } from '../models/evaluate/zero-shot.ts';
import { readNamedFile } from '../models/files/folder.ts';
import { type NodeModel, openModel } from '../models/inference/model.ts';

/** Labels that a picture is ranked among, and that are added afterwards. */
const LABELS = 10;

/** Nouns that stand in no label, caption, broader word or definition of the pictures that promptlens-mini was trained on. */
// biome-ignore format: a list to glance at
const UNSEEN_WORDS: readonly string[] = [
  'razor', 'barbecue', 'blender', 'cactus', 'drone', 'fridge', 'hammock', 'handcuffs', 'jacuzzi', 'passport', 'scarecrow',
  'thermometer', 'wreath', 'walrus', 'squid', 'moose', 'alpaca', 'raven', 'radish', 'pancake', 'croissant', 'popcorn', 'tweezers',
  'anvil', 'pliers', 'hinge', 'doorknob', 'teepee', 'hovercraft', 'zeppelin', 'roulette', 'yoyo', 'origami', 'briefcase',
  'banknote', 'calendar', 'highlighter', 'crayon', 'palette', 'fresco', 'gargoyle', 'sphinx', 'mummy', 'werewolf', 'unicorn',
  'phoenix', 'cyborg', 'astronaut', 'comet', 'asteroid', 'eclipse', 'aurora', 'tornado', 'avalanche', 'stalactite', 'quicksand',
  'mirage', 'orchid', 'lichen', 'barnacle', 'leech', 'termite', 'earwig', 'silkworm', 'firefly', 'wasp', 'hornet', 'millipede',
  'tadpole', 'piranha', 'narwhal', 'krill', 'prawn',
];

const HEADING = `| pictures | n | labels | right among them | … in the plural | … in capitals | … and as many more | … and as many words that promptlens-mini never had | sure, and right | right, but nothing fits | no label fits: sure | … nothing fits |
|---|---|---|---|---|---|---|---|---|---|---|---|`;

export const measureAnswers = command({
  name: 'measure:answers',
  summary:
    'Measures what "sure" and "nothing fits well" are worth, and what labels that training never had cost.',
  options: {
    ...MODEL_OPTIONS,
    model: {
      kind: 'text',
      value: 'folder',
      default: 'public/models/promptlens-mini',
      help: 'a model folder',
    },
    precision: { ...MODEL_OPTIONS.precision, default: 'q8' },
    data: {
      kind: 'list',
      form: 'comma',
      default: ['tiny_imagenet', 'miniplaces', 'caltech101', 'cifar10'].map(
        (name) => `../shared/data/eval/${name}.parquet`,
      ),
      help: `${DATA_KINDS}; each is a data set of its own`,
    },
    photographs: {
      kind: 'text',
      value: 'folder',
      default: '../shared/photos',
      help: 'photographs, and beside them labels.json with the labels that are right for each',
    },
  },
  run: async ({ model: folder, data, photographs, precision, threads }) => {
    const model = await openModel(folder, { precision, threads });
    try {
      console.log(HEADING);
      for (const path of data) console.log(row(path, await measure(model, path)));
      console.log(await measurePhotographs(model, photographs));
    } finally {
      await model.close();
    }
  },
});

interface Answer {
  readonly right: boolean;
  readonly certainty: Certainty;
}

/** Shares of pictures, 0 to 1; not a number where there is nothing to have a share of. */
interface Figures {
  /** Pictures. */
  readonly n: number;
  /** That each is ranked among at first. */
  readonly labels: number;
  /** Right among the first labels, … */
  readonly right: number;
  /** … the same ones in the plural and in capitals, … */
  readonly plural: number;
  readonly capitals: number;
  /** … with as many more of the same data set, … */
  readonly amongMore: number;
  /** … with as many more that no picture was labelled with. */
  readonly amongUnseen: number;
  /** Of the answers that are called sure, the right ones. */
  readonly sureRight: number;
  /** Of the right answers, those with which the page says that nothing fits well. */
  readonly rightNothing: number;
  /** Where no label fits: called sure all the same, … */
  readonly noneSure: number;
  /** … and seen through. */
  readonly noneNothing: number;
}

/** The words that a picture's cosines are with, one list behind the other, and where each begins. */
export interface Words {
  /** Of the data set. */
  readonly classes: number;
  readonly everyday: number;
  readonly unseen: number;
  readonly plurals: number;
  readonly capitals: number;
}

export interface Asked {
  readonly cosines: Float32Array;
  readonly words: Words;
  /** The right class. */
  readonly own: number;
  /** How many labels it is ranked among. */
  readonly labels: number;
  readonly logitScale: number;
  readonly random: Random;
}

/** How one picture is ranked among labels of its data set: with its own, without, in other forms, and with as many more. */
export function answersOf({ cosines, words, own, labels, logitScale, random }: Asked) {
  const base = unrelated(cosines.subarray(words.everyday, words.unseen));
  /** @param from where the classes begin in the form that is asked for */
  const answer = (labels: readonly number[], from = 0): Answer => {
    const chosen = Float32Array.from(labels, (label) => cosines[from + label]);
    const [best] = rankCosines(chosen, { logitScale, topK: 1 });
    return {
      right: labels[best.index] === own,
      certainty: certainty(best.cosine, best.probability, labels.length, base),
    };
  };
  const others = [...permutation(words.classes, random)].filter((label) => label !== own);
  const strangers = [...permutation(words.plurals - words.unseen, random)].slice(0, labels);
  const first = [own, ...others.slice(0, labels - 1)];
  return {
    own: answer(first),
    none: answer(others.slice(0, labels)),
    plural: answer(first, words.plurals),
    capitals: answer(first, words.capitals),
    more: answer([own, ...others.slice(0, 2 * labels - 1)]),
    unseen: answer([...first, ...strangers.map((word) => words.unseen + word)]),
  };
}

async function measure(model: NodeModel, path: string): Promise<Figures> {
  const source = await openSources(path);
  const classes = classesOf(source);
  // The right label has to be left out once, with as many others in its place.
  const labels = Math.min(LABELS, classes.length - 1);
  if (labels < 2) {
    throw new Error(
      `${path} has ${classes.length} classes; three or more are needed, for a picture to have rivals without its own.`,
    );
  }
  const lists = [
    classes,
    EVERYDAY_WORDS.map((word) => [word]),
    UNSEEN_WORDS.map((word) => [word]),
    classes.map((names) => names.map(pluralOf)),
    classes.map((names) => names.map((name) => name.toUpperCase())),
  ];
  const [, everyday, unseen, plurals, capitals] = lists.map((_, i) => lists.slice(0, i).flat().length);
  const words = { classes: classes.length, everyday, unseen, plurals, capitals };
  const { logitScale } = model.folder;
  const answers: ReturnType<typeof answersOf>[] = [];
  await withProgress('pictures', source.length, (onProgress) =>
    zeroShot(model, source, {
      templates: templateSet('ensemble'),
      classes: lists.flat(),
      onProgress,
      onScores: (index, cosines, [own]) => {
        const random = randomStream('measure answers', index);
        answers.push(answersOf({ cosines, words, own, labels, logitScale, random }));
      },
    }),
  );
  const right = answers.filter(({ own }) => own.right);
  const sure = answers.filter(({ own }) => own.certainty === 'sure');
  return {
    n: answers.length,
    labels,
    right: right.length / answers.length,
    plural: share(answers, ({ plural }) => plural.right),
    capitals: share(answers, ({ capitals }) => capitals.right),
    // Where the data set has so many.
    amongMore: classes.length < 2 * labels ? Number.NaN : share(answers, ({ more }) => more.right),
    amongUnseen: share(answers, ({ unseen }) => unseen.right),
    sureRight: share(sure, ({ own }) => own.right),
    rightNothing: share(right, ({ own }) => own.certainty === 'nothing'),
    noneSure: share(answers, ({ none }) => none.certainty === 'sure'),
    noneNothing: share(answers, ({ none }) => none.certainty === 'nothing'),
  };
}

const Labels = v.record(v.string(), v.pipe(v.array(v.string()), v.minLength(1)));

async function measurePhotographs(model: NodeModel, folder: string): Promise<string> {
  const path = join(folder, 'labels.json');
  const file = await readNamedFile(path, 'Name a folder of photographs with one in --photographs.');
  const rows = Object.entries(checked(Labels, parseJson(file, path), path)).map(([name, labels]) => ({
    id: name,
    labels,
    captions: [],
    picture: { path: join(folder, name) },
  }));
  const classes = [...new Set(rows.map(({ labels }) => labels[0]))].map((label) => [label]);
  const source = pictureSource(folder, folder, rows);
  const { acc1, acc5, n } = await zeroShot(model, source, { templates: templateSet('ensemble'), classes });
  const count = (share: number) => Math.round(share * n);
  return `Of ${n} photographs in ${folder}, among ${classes.length} labels: ${count(acc1)} right, ${count(acc5)} among the first five.`;
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length;
}

function row(path: string, { n, labels, ...shares }: Figures): string {
  const percents = Object.values(shares).map((share) =>
    Number.isNaN(share) ? '–' : `${(100 * share).toFixed(1)} %`,
  );
  return `| ${[basename(path), n, labels, ...percents].join(' | ')} |`;
}

await runWhereMain(import.meta, measureAnswers);
