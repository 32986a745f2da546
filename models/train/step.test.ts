// Steps against PyTorch are in trainer.test.ts.

import { afterEach, expect, it, vi } from 'vitest';
import { parseClipConfig } from '../clip/config.ts';
import configs from '../networks/fixtures/configs.json' with { type: 'json' };
import { GraphSession } from './graph-session.ts';
import { patchCount } from './patch-dropout.ts';
import { createStep } from './step.ts';

const config = parseClipConfig(configs['patches, QuickGELU'], 'configs.json');
const SHAPE = {
  batchSize: 4,
  accumulate: 2,
  loss: 'softmax',
  patches: patchCount(config),
  tokens: config.text_config.max_position_embeddings,
  textPairs: { count: 2, weight: 1 },
} as const;
const KIND = { threads: 1, precision: 'fp32' } as const;
const SESSIONS = 4;

afterEach(() => {
  vi.restoreAllMocks();
});

it.each([1, 2, 3, SESSIONS])('releases what it has open where session %d does not open', async (failing) => {
  const create = GraphSession.create.bind(GraphSession);
  let opened = 0;
  vi.spyOn(GraphSession, 'create').mockImplementation(async (...given) => {
    if (++opened === failing) throw new Error('no memory');
    return create(...given);
  });
  const release = vi.spyOn(GraphSession.prototype, 'release');
  await expect(createStep(config, SHAPE, KIND)).rejects.toThrow('no memory');
  expect(new Set(release.mock.contexts).size).toBe(failing - 1);
});

it('releases every session at its end', async () => {
  const release = vi.spyOn(GraphSession.prototype, 'release');
  const step = await createStep(config, SHAPE, KIND);
  await step.release();
  expect(new Set(release.mock.contexts).size).toBe(SESSIONS);
});
