// Which network a run trains, with which tokenizer and from which weights: the run's own where it is resumed, a trained folder's,
// or a named or small one with a vocabulary learned from the data.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseJson } from '../clip/checked.ts';
import { type ClipConfig, parseClipConfig } from '../clip/config.ts';
import { parseTokenizer } from '../clip/tokenizer.ts';
import type { Tokenizer } from '../clip/types.ts';
import { learnVocabulary } from '../clip/vocabulary.ts';
import { type PretrainedFolder, readPretrainedFolder } from '../convert/trained-folder.ts';
import { type CaptionWords, drawCaption } from '../data/captions.ts';
import type { Lexicon } from '../data/lexicon.ts';
import type { PairSource } from '../data/types.ts';
import { readNamedFile } from '../files/folder.ts';
import type { Weights } from '../networks/weights.ts';
import { DEFAULT_CONFIG } from '../train/default-config.ts';

/** As many as captioned data has for a picture as a rule; a hundred rows then show every template more than once. */
const SENTENCES_A_ROW = 5;

const RESUMABLE =
  '--resume goes on with a run that was begun in --out; leave it out, and name an empty folder, to begin one.';
const CONFIG = 'Name the config.json of a CLIP in --model, or leave it out for a small network.';

export interface NetworkToTrain {
  readonly config: ClipConfig;
  readonly tokenizerJson: unknown;
  readonly tokenizer: Tokenizer;
  /** Of a trained folder, by their names; undefined where training begins at random or goes on from a checkpoint. */
  readonly weights: Weights | undefined;
}

/** What captions of labelled rows are drawn from. */
interface Said {
  readonly lexicon?: Lexicon;
  readonly captionWords?: readonly CaptionWords[];
}

export interface Asked {
  /** The run's own folder. */
  readonly out: string;
  readonly resume: boolean;
  /** A config.json. */
  readonly model: string | undefined;
  /** A trained folder. */
  readonly pretrained: string | undefined;
  readonly seed: number;
}

/**
 * @param rows whose words a new vocabulary is learned from
 * @param said what else training says of them
 */
export async function networkToTrain(
  { out, resume, model, pretrained, seed }: Asked,
  rows: PairSource,
  said: Said = {},
): Promise<NetworkToTrain> {
  const named = model === undefined ? undefined : await readConfig(model, CONFIG);
  // The last file that the beginning of a run writes: one that was killed before it is as it was asked for.
  const begun =
    resume && existsSync(join(out, 'config.json'))
      ? await readConfig(join(out, 'config.json'), RESUMABLE)
      : undefined;
  const given = pretrained !== undefined && !begun ? await readPretrainedFolder(pretrained) : undefined;
  if (named && begun && !isDeepStrictEqual(asAsked(named), asAsked(begun))) {
    throw new Error(
      `--model ${model} is another network than the one in ${join(out, 'config.json')}, which the run was begun with. Leave --model out, or start anew without --resume in another folder.`,
    );
  }
  const wanted = begun ?? given?.config ?? named ?? DEFAULT_CONFIG;
  const tokenizerJson = resume
    ? await readJson(join(out, 'tokenizer.json'), RESUMABLE)
    : pretrained !== undefined
      ? await readJson(join(pretrained, 'tokenizer.json'), 'A trained folder has one.')
      : learnVocabulary(words(rows, seed, said), { vocabSize: wanted.text_config.vocab_size });
  const tokenizer = await parseTokenizer(
    { tokenizerJson },
    { contextLength: wanted.text_config.max_position_embeddings },
  );
  return {
    config: withVocabulary(wanted, tokenizer, begun ? out : given && pretrained),
    tokenizerJson,
    tokenizer,
    weights: given && withTemperature(given),
  };
}

/**
 * A small data set may give fewer tokens than the network was asked to have; what has weights keeps its table of them.
 * @param folder of these weights
 */
function withVocabulary(config: ClipConfig, tokenizer: Tokenizer, folder: string | undefined): ClipConfig {
  const { vocab_size } = config.text_config;
  if (folder !== undefined && tokenizer.vocabSize > vocab_size) {
    throw new Error(
      `${folder} contradicts itself: its tokenizer.json has ${tokenizer.vocabSize} tokens, its config.json a vocab_size of ${vocab_size}. Name a folder whose files belong together.`,
    );
  }
  const { bosTokenId: bos_token_id, eosTokenId: eos_token_id } = tokenizer;
  return {
    ...config,
    text_config: {
      ...config.text_config,
      vocab_size: folder === undefined ? tokenizer.vocabSize : vocab_size,
      bos_token_id,
      eos_token_id,
    },
  };
}

function withTemperature({ weights, logitScale, logitBias }: PretrainedFolder): Weights {
  const all = new Map(weights).set('logit_scale', Float32Array.of(Math.log(logitScale)));
  return logitBias === undefined ? all : all.set('logit_bias', Float32Array.of(logitBias));
}

/**
 * The texts that training shows: captions, and names as they are and in a sentence. Without sentences no template's words
 * would be tokens of their own, and a name behind them would fall beyond the captions' cut.
 */
function* words(source: PairSource, seed: number, { lexicon, captionWords }: Said): Generator<string> {
  for (let row = 0; row < source.length; row++) {
    const text = source.text(row);
    if (text.captions.length > 0) yield* text.captions;
    else {
      yield* text.labels;
      for (let epoch = 0; epoch < SENTENCES_A_ROW; epoch++)
        yield drawCaption(text, { seed, epoch, row }, lexicon, captionWords).caption;
    }
  }
}

async function readConfig(path: string, advice: string): Promise<ClipConfig> {
  return parseClipConfig(await readJson(path, advice), path);
}

/** A network without what a run itself writes into its config.json: the vocabulary's numbers and the trained scale. */
function asAsked(config: ClipConfig): object {
  const { logit_scale: _scale, text_config, ...rest } = config;
  const { vocab_size: _size, bos_token_id: _bos, eos_token_id: _eos, ...text } = text_config;
  return { ...rest, text_config: text };
}

async function readJson(path: string, advice: string): Promise<unknown> {
  return parseJson(await readNamedFile(path, advice), path);
}
