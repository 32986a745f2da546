// A run from start to end on a tiny network: what it leaves, and that a stopped run goes on as if it had never stopped.

import type { StatsFs } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseClipConfig } from '../clip/config.ts';
import { readSafetensors } from '../clip/safetensors.ts';
import { sharedKeys } from '../data/pair-keys.ts';
import type { PairStream } from '../data/pair-stream.ts';
import configs from '../networks/fixtures/configs.json' with { type: 'json' };
import { referenceBatch } from '../networks/fixtures/reference-weights.ts';
import type { Weights } from '../networks/weights.ts';
import { openLog, type RunLog } from './log.ts';
import { CHECKPOINT, type RunOptions, runTraining } from './run.ts';
import type { TokenIds } from './step-graph.ts';

vi.mock(import('node:fs/promises'), { spy: true });

const PAIRS = 4;
const STEPS = 6;
const config = parseClipConfig(configs['convolutional stem, GELU'], 'configs.json');

/** Batch n is the reference's batch n; its captions are the numbers of the pairs. */
const pairs: PairStream = {
  batchesPerEpoch: 3,
  batch: async (step) => ({
    pixel_values: referenceBatch(config, PAIRS, step).pixel_values,
    captions: Array.from({ length: PAIRS }, () => String(step)),
    keys: Array.from({ length: PAIRS }, (_, i) => sharedKeys([String(i)])),
    skipped: 0,
  }),
  close: async () => undefined,
};

function encode([step]: readonly string[]): TokenIds {
  const { input_ids, dims } = referenceBatch(config, PAIRS, Number(step));
  return { input_ids, dims };
}

const silent: RunLog = { start() {}, step() {}, evaluation() {}, damaged() {}, checkpoint() {}, stop() {} };

const judged = (accuracy: number) => ({ accuracy, predictions: [] });

let out = '';
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'promptlens-run-'));
});
afterEach(() => rm(out, { recursive: true }));

function optionsIn(folder: string, changes: Partial<RunOptions> = {}): RunOptions {
  return {
    out: folder,
    config,
    tokenizerJson: { model: 'of none' },
    encode,
    pairs,
    device: 'cpu',
    trainer: {
      batchSize: PAIRS,
      accumulate: 1,
      loss: 'softmax',
      optimizer: 'muon',
      averageDecay: 0.9,
      threads: 1,
      precision: 'fp32',
      seed: 3,
      patchDropout: 0.5,
      reducedSteps: 4,
      captionTokens: 16,
      gradClipNorm: 1,
      schedule: { peak: 0.01, warmupSteps: 2, totalSteps: STEPS },
      beta1: 0.9,
      beta2: 0.98,
      epsilon: 1e-6,
      weightDecay: 0.2,
    },
    positives: 'own',
    settings: { seed: 3, data: 'numbers' },
    resume: false,
    saveEvery: 2,
    evaluateEvery: 2,
    evaluate: null,
    log: silent,
    signal: new AbortController().signal,
    ...changes,
  };
}

const weightsIn = async (folder: string) => new Uint8Array(await readFile(join(folder, 'model.safetensors')));

/** A log that aborts when a step is done. */
function stopAfter(step: number): Pick<RunOptions, 'log' | 'signal'> {
  const controller = new AbortController();
  return {
    log: { ...silent, step: (line) => line.step === step && controller.abort() },
    signal: controller.signal,
  };
}

describe('a run', () => {
  it('is equal, bit for bit, when it was stopped and resumed', async () => {
    await runTraining(optionsIn(join(out, 'whole')));
    await runTraining(optionsIn(join(out, 'parts'), stopAfter(3)));
    const progress = await runTraining(optionsIn(join(out, 'parts'), { resume: true }));
    expect(progress.step).toBe(STEPS);
    expect(await weightsIn(join(out, 'parts'))).toEqual(await weightsIn(join(out, 'whole')));
  });

  it('goes on from the last checkpoint when it was killed between two', async () => {
    await runTraining(optionsIn(join(out, 'whole')));
    const killed = stopAfter(5);
    const log: RunLog = {
      ...silent,
      step(line) {
        if (line.step === 5) throw new Error('killed');
      },
    };
    await expect(runTraining(optionsIn(join(out, 'parts'), { ...killed, log }))).rejects.toThrow('killed');
    await runTraining(optionsIn(join(out, 'parts'), { resume: true }));
    expect(await weightsIn(join(out, 'parts'))).toEqual(await weightsIn(join(out, 'whole')));
  });

  it('leaves weights where it is stopped before the first evaluation', async () => {
    const progress = await runTraining(
      optionsIn(out, { ...stopAfter(1), evaluate: async () => judged(0.5) }),
    );
    expect(progress).toMatchObject({ step: 1, best: null });
    expect(readSafetensors(await weightsIn(out), 'model.safetensors').has('logit_scale')).toBe(true);
  });

  it('can be resumed though it was killed in its first step', async () => {
    const log: RunLog = {
      ...silent,
      step() {
        throw new Error('killed');
      },
    };
    await expect(runTraining(optionsIn(out, { log }))).rejects.toThrow('killed');
    expect((await runTraining(optionsIn(out, { resume: true }))).step).toBe(STEPS);
  });

  it('keeps the best weights by held-out accuracy in the folder, and the last in the checkpoint', async () => {
    const accuracies = [0.2, 0.6, 0.4];
    const seen: number[] = [];
    const progress = await runTraining(
      optionsIn(out, {
        evaluate: async (weights) => {
          seen.push(weights.get('logit_scale')?.[0] ?? Number.NaN);
          return judged(accuracies[seen.length - 1]);
        },
      }),
    );
    expect(progress.best).toEqual({ step: 4, accuracy: 0.6 });
    const best = readSafetensors(await weightsIn(out), 'model.safetensors').get('logit_scale');
    const checkpoint = new Uint8Array(await readFile(join(out, CHECKPOINT)));
    const last = readSafetensors(checkpoint, CHECKPOINT).get('average/logit_scale');
    expect(best?.data[0]).toBe(seen[1]);
    expect(last?.data[0]).toBe(seen[2]);
    const written = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'));
    expect(written.logit_scale).toBe(seen[1]);
    expect((await readdir(out)).sort()).toEqual([
      CHECKPOINT,
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('that cannot begin leaves its folder to the next', async () => {
    const options = optionsIn(out);
    const trainer = { ...options.trainer, accumulate: 2 };
    await expect(runTraining({ ...options, device: 'webgpu', trainer })).rejects.toThrow('--accum-freq');
    expect(await readdir(out)).toEqual([]);
  });

  it('is not begun, and not resumed, where its checkpoints have no room', async () => {
    await runTraining(optionsIn(out, stopAfter(2)));
    const { size } = await stat(join(out, CHECKPOINT));
    const left = (bytes: number) =>
      vi.mocked(statfs).mockResolvedValue({ bavail: bytes, bsize: 1 } as StatsFs);
    const { size: model } = await stat(join(out, 'model.safetensors'));
    left(model);
    await expect(runTraining(optionsIn(out, { resume: true }))).rejects.toThrow(
      /^The disk of .* has [\d.]+ MB left; the run needs [\d.]+ MB for its checkpoints/,
    );
    // One of each beside the one that is there; a new run needs both twice.
    left(size + model);
    expect((await runTraining(optionsIn(out, { resume: true }))).step).toBe(STEPS);
    await expect(runTraining(optionsIn(join(out, 'new')))).rejects.toThrow('The disk of');
    vi.mocked(statfs).mockRestore();
  });

  it('takes the later of equals', async () => {
    const progress = await runTraining(optionsIn(out, { evaluate: async () => judged(0.5) }));
    expect(progress.best).toEqual({ step: 6, accuracy: 0.5 });
  });

  it('judges what it starts from before the first step, and keeps it where no step is better', async () => {
    const pretrained = new Map([['logit_scale', Float32Array.of(3)]]);
    const scales: (number | undefined)[] = [];
    const evaluate = async (weights: Weights) => {
      scales.push(weights.get('logit_scale')?.[0]);
      return judged(scales.length === 1 ? 0.9 : 0.1);
    };
    const { best } = await runTraining(optionsIn(out, { pretrained, evaluate }));
    expect(best).toEqual({ step: 0, accuracy: 0.9 });
    expect(scales[0]).toBe(3);
    const kept = readSafetensors(await weightsIn(out), 'model.safetensors').get('logit_scale');
    expect(kept?.data[0]).toBe(3);
  });

  it('loses nothing to an evaluation that fails, and begins with it when resumed', async () => {
    const evaluate = async (weights: Weights) => judged(weights.get('logit_scale')?.[0] ?? Number.NaN);
    const whole = await runTraining(optionsIn(join(out, 'whole'), { evaluate }));
    const failing = async () => {
      throw new Error('no room');
    };
    const parts = (changes: Partial<RunOptions>) =>
      runTraining(optionsIn(join(out, 'parts'), { saveEvery: 100, ...changes }));
    await expect(parts({ evaluate: failing })).rejects.toThrow('no room');
    const steps: number[] = [];
    const log: RunLog = { ...silent, step: ({ step }) => void steps.push(step) };
    expect(await parts({ evaluate, log, resume: true })).toEqual(whole);
    expect(steps).toEqual([3, 4, 5, 6]);
    expect(await weightsIn(join(out, 'parts'))).toEqual(await weightsIn(join(out, 'whole')));
  });

  it('keeps the checkpoint of before where weights are no longer numbers', async () => {
    const options = optionsIn(out);
    await runTraining(optionsIn(out, stopAfter(2)));
    const before = await readFile(join(out, CHECKPOINT));
    const spoiled = { ...options.trainer, epsilon: Number.NaN };
    await expect(
      runTraining(optionsIn(out, { resume: true, trainer: spoiled, saveEvery: 1 })),
    ).rejects.toThrow(/checkpoint\.safetensors was not written: after step 3 .* no longer finite/);
    expect(await readFile(join(out, CHECKPOINT))).toEqual(before);
  });

  it('refuses to resume with other settings, from a damaged file, from none, and from one that cannot be read', async () => {
    await runTraining(optionsIn(out, stopAfter(2)));
    const resume = (changes: Partial<RunOptions>) =>
      runTraining(optionsIn(out, { resume: true, ...changes }));
    await expect(resume({ settings: { seed: 4, data: 'numbers' } })).rejects.toThrow(
      /written with seed 3, this run has 4/,
    );
    const path = join(out, CHECKPOINT);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 10));
    await expect(resume({})).rejects.toThrow(CHECKPOINT);
    await rm(path);
    await expect(resume({})).rejects.toThrow(
      /checkpoint\.safetensors could not be read: it is not there\. .*without --resume/,
    );
    await mkdir(path);
    await expect(resume({})).rejects.toThrow(
      /checkpoint\.safetensors could not be read: it is a folder.*resume again/,
    );
  });

  it("takes pairs that share a key out of each other's negatives", async () => {
    const lossWith = async (keyOf: (pair: number) => string) => {
      const losses: number[] = [];
      const batch = async (step: number) => ({
        ...(await pairs.batch(step)),
        keys: Array.from({ length: PAIRS }, (_, i) => sharedKeys([keyOf(i)])),
      });
      const { signal, log } = stopAfter(1);
      const noted: RunLog = {
        ...silent,
        step(line) {
          losses.push(line.loss);
          log.step(line);
        },
      };
      const folder = join(out, keyOf(1));
      await runTraining(optionsIn(folder, { pairs: { ...pairs, batch }, log: noted, signal }));
      return losses;
    };
    // Without a single negative each softmax is over its own pair alone.
    expect((await lossWith(() => 'all'))[0]).toBeCloseTo(0, 6);
    expect((await lossWith(String))[0]).toBeGreaterThan(0.5);
  });

  it('logs a line a step and an evaluation', async () => {
    const path = join(out, 'log.jsonl');
    await runTraining(optionsIn(out, { log: openLog(path, PAIRS, null), evaluate: async () => judged(0.5) }));
    const lines = (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(lines.filter(({ type }) => type === 'evaluation')).toHaveLength(3);
    expect(lines[0]).toMatchObject({ type: 'start', step: 0, totalSteps: STEPS });
    expect(lines[1]).toMatchObject({ skipped: 0, learningRate: 0.005 });
    expect(lines[1].loss).toBeGreaterThan(0);
  });
});
