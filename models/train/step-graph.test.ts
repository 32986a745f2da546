import { describe, expect, it } from 'vitest';
import { parseClipConfig } from '../clip/config.ts';
import { sharedKeys } from '../data/pair-keys.ts';
import configs from '../networks/fixtures/configs.json' with { type: 'json' };
import { referenceBatch } from '../networks/fixtures/reference-weights.ts';
import { LOSSES } from './contrastive-loss.ts';
import { patchCount } from './patch-dropout.ts';
import { lossFeeds, towerFeeds } from './step-graph.ts';

const config = parseClipConfig(configs['patches, QuickGELU'], 'configs.json');
const PAIRS = 2;
const pairs = LOSSES.softmax.inputsOf([['a'], ['b']].map(sharedKeys), 'own');
const { pixel_values, input_ids, dims } = referenceBatch(config, PAIRS);
const inputs = {
  pixel_values,
  captions: { input_ids, dims },
  pairs,
};

describe('a batch that lacks what the graph reads', () => {
  it('of a part of the patches is refused', () => {
    const all = patchCount(config);
    const feeds = (patches: number) => towerFeeds(config, { patches, tokens: dims[1] }, inputs, 0, PAIRS);
    expect(feeds(all)).not.toHaveProperty('kept');
    expect(() => feeds(all - 1)).toThrow('A step was made to read kept patches, and its batch came without.');
  });

  it('of pairs of texts is refused', () => {
    const textPairs = { count: PAIRS, weight: 1 };
    const withVectors = { ...textPairs, wordVectors: { size: 3 } };
    const given = { ...inputs, textPairs: pairs };
    expect(Object.keys(lossFeeds({ batchSize: PAIRS, textPairs }, given))).toHaveLength(6);
    expect(() => lossFeeds({ batchSize: PAIRS, textPairs }, inputs)).toThrow('to read pairs of texts');
    expect(() => lossFeeds({ batchSize: PAIRS, textPairs: withVectors }, given)).toThrow(
      'to read word vectors',
    );
  });
});
