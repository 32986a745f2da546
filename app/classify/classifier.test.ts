import { afterEach, describe, expect, it, vi } from 'vitest';
import { ensemble, normalize, rank } from '../../models/clip/ranking.ts';
import type { LabelEmbedding } from '../inference/types.ts';
import { Classifier, type Encoder, type PhotoToRank, type Task } from './classifier.ts';
import { EVERYDAY_WORDS } from './everyday-words.ts';
import { createQueryClient } from './query-client.ts';
import { scoreOf } from './ranking.ts';

const DIM = 16;

/** The same unit vector for the same text. */
function vectorOf(text: string): Float32Array<ArrayBuffer> {
  let state = 1;
  for (const character of text) state = (state * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return normalize(
    Float32Array.from({ length: DIM }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32 - 0.5;
    }),
  );
}

function labelOf(prompts: readonly string[]): LabelEmbedding {
  const [vector] = ensemble(prompts.map(vectorOf), prompts.length);
  return { vector, truncated: prompts.some((text) => text.includes('very long')) };
}

/** Like the real one, it encodes a prompt once. */
function fakeEncoder(overrides: Partial<Encoder> = {}) {
  const photos: string[] = [];
  const prompts: string[] = [];
  const known = new Set<string>();
  const encoder: Encoder = {
    modelKey: 'fake',
    precision: 'fp32',
    logitScale: 20,
    embedPhoto: async ({ id }) => {
      photos.push(id);
      return { vector: vectorOf(id), ms: 7 };
    },
    embedLabels: async (labels) => {
      const encoded = [...new Set(labels.flat())].filter((text) => !known.has(text));
      prompts.push(...encoded);
      for (const text of encoded) known.add(text);
      return { labels: labels.map(labelOf), encoded };
    },
    ...overrides,
  };
  return { encoder, photos, prompts };
}

const photo = (id: string): PhotoToRank => ({ id, name: `${id}.jpg`, read: async () => new Blob([id]) });
const TEMPLATES = ['a photo of a {}.', 'a picture of {}'];

function start(task: Partial<Task>) {
  const queryClient = createQueryClient();
  const classifier = new Classifier(queryClient);
  classifier.update({ templates: TEMPLATES, ...task });
  cleanUp.push(() => queryClient.clear());
  return { classifier, change: (change: Partial<Task>) => classifier.update(change) };
}
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanUp.splice(0)) clean();
});

/** A test machine may be busy with a training run. */
const PATIENCE = { timeout: 20_000 };

/** Until everything is ranked with everything, everyday words included. */
async function settled(classifier: Classifier) {
  await vi.waitFor(() => {
    const { photos, ranked, failed, labels, labelsReady } = classifier.progress();
    expect([ranked + failed, labelsReady]).toEqual([photos, labels]);
  }, PATIENCE);
  await new Promise((resolve) => setTimeout(resolve, 30));
}

function rankingOf(classifier: Classifier, id: string) {
  const result = classifier.result(id);
  if (result.state !== 'ranked' || result.ranking === null) throw new Error(`${id} is ${result.state}`);
  return result.ranking;
}

describe('Classifier', () => {
  it('ranks as models/clip does', async () => {
    const labels = Array.from({ length: 40 }, (_, i) => `label ${i}`);
    const { classifier } = start({
      encoder: fakeEncoder().encoder,
      photos: [photo('p'), photo('q')],
      labels,
    });
    await settled(classifier);

    const prompts = labels.flatMap((label) =>
      TEMPLATES.map((template) => vectorOf(template.replace('{}', label))),
    );
    for (const id of ['p', 'q']) {
      const expected = rank(vectorOf(id), ensemble(prompts, 2), { logitScale: 20 });
      const ranking = rankingOf(classifier, id);
      expect(ranking.top).toEqual(expected.slice(0, 5));
      expect(ranking.margin).toBeCloseTo((expected[0]?.cosine ?? 0) - (expected[1]?.cosine ?? 0), 6);
      for (const { index, cosine, probability } of expected) {
        const score = scoreOf(ranking, labels[index] ?? '');
        expect(score?.cosine).toBeCloseTo(cosine, 6);
        expect(score?.probability).toBeCloseTo(probability, 6);
      }
    }
  });

  it('encodes only the prompts of a new label or template, and no photograph again', async () => {
    const { encoder, photos, prompts } = fakeEncoder();
    const { classifier, change } = start({ encoder, photos: [photo('p')], labels: ['cat', 'dog'] });
    await settled(classifier);
    expect(prompts.slice(0, 4)).toEqual([
      'a photo of a cat.',
      'a picture of cat',
      'a photo of a dog.',
      'a picture of dog',
    ]);

    prompts.length = 0;
    change({ labels: ['cat', 'dog', 'bus'] });
    await settled(classifier);
    expect(prompts).toEqual(['a photo of a bus.', 'a picture of bus']);

    prompts.length = 0;
    change({ templates: [...TEMPLATES, '{} at night'] });
    await settled(classifier);
    expect(prompts).toEqual(['cat at night', 'dog at night', 'bus at night']);

    prompts.length = 0;
    change({ labels: ['bus', 'cat'] });
    await settled(classifier);
    expect(prompts).toEqual([]);
    expect(rankingOf(classifier, 'p').set.labels).toEqual(['bus', 'cat']);
    expect(photos).toEqual(['p']);
  });

  it('shows the first photograph before the everyday words are encoded, and a single label without probability', async () => {
    const { encoder, prompts } = fakeEncoder();
    const { classifier } = start({ encoder, photos: [photo('p')], labels: ['cat'] });
    await settled(classifier);
    expect(prompts.slice(0, 2)).toEqual(['a photo of a cat.', 'a picture of cat']);
    expect(prompts).toHaveLength(2 + EVERYDAY_WORDS.length);
    await vi.waitFor(() => expect(rankingOf(classifier, 'p').unrelated).not.toBeNull(), PATIENCE);
    expect(rankingOf(classifier, 'p').probability).toBeNull();
    expect(classifier.progress().msPerPhoto).toBe(7);
  });

  it('encodes the everyday words also where the first photograph failed', async () => {
    let come = () => {};
    const comes = new Promise<void>((resolve) => {
      come = resolve;
    });
    const { encoder } = fakeEncoder({
      embedPhoto: async ({ id }) => {
        if (id === 'bad') throw new Error('bad.jpg is damaged.');
        await comes;
        return { vector: vectorOf(id), ms: 5 };
      },
    });
    const { classifier } = start({ encoder, photos: [photo('bad'), photo('good')], labels: ['cat'] });
    await vi.waitFor(() => expect(classifier.progress().failed).toBe(1), PATIENCE);
    come();
    await vi.waitFor(() => expect(rankingOf(classifier, 'good').unrelated).not.toBeNull(), PATIENCE);
  });

  it('keeps the result of every photograph that did not change', async () => {
    const { classifier, change } = start({
      encoder: fakeEncoder().encoder,
      photos: [photo('p')],
      labels: ['cat', 'dog'],
    });
    await settled(classifier);
    const before = classifier.result('p');
    change({ photos: [photo('p'), photo('q')] });
    await settled(classifier);
    expect(classifier.result('p')).toBe(before);
    expect(classifier.result('q').state).toBe('ranked');
  });

  it('keeps a failure to its photograph and tries it again when asked', async () => {
    let broken = true;
    const { encoder } = fakeEncoder({
      embedPhoto: async ({ id, name }) => {
        if (id === 'bad' && broken) throw new Error(`${name} is damaged.`);
        return { vector: vectorOf(id), ms: 5 };
      },
    });
    const { classifier } = start({ encoder, photos: [photo('bad'), photo('good')], labels: ['cat', 'dog'] });
    await settled(classifier);
    expect(classifier.result('bad')).toEqual({ state: 'failed', reason: 'bad.jpg is damaged.' });
    expect(classifier.result('good').state).toBe('ranked');

    broken = false;
    classifier.retry('bad');
    await settled(classifier);
    await vi.waitFor(() => expect(rankingOf(classifier, 'bad').top).toHaveLength(2));
  });

  it('keeps a vector that cannot be ranked to its photograph, and goes on ranking', async () => {
    const { encoder } = fakeEncoder({
      embedPhoto: async ({ id }) => ({ vector: id === 'bad' ? new Float32Array(3) : vectorOf(id), ms: 5 }),
    });
    const { classifier, change } = start({ encoder, photos: [photo('bad'), photo('good')], labels: ['cat'] });
    await settled(classifier);
    expect(classifier.result('bad')).toEqual({
      state: 'failed',
      reason: expect.stringContaining('cannot be compared'),
    });
    expect(rankingOf(classifier, 'good').set.labels).toEqual(['cat']);
    // Tried again it fails again, and does not wait for ever.
    classifier.retry('bad');
    expect(classifier.result('bad').state).toBe('waiting');
    await settled(classifier);
    expect(classifier.result('bad').state).toBe('failed');
    change({ labels: ['cat', 'dog'] });
    await settled(classifier);
    expect(rankingOf(classifier, 'good').set.labels).toEqual(['cat', 'dog']);
  });

  it('takes up ranking again after a listener failed', async () => {
    const { classifier, change } = start({ encoder: fakeEncoder().encoder, labels: ['cat', 'dog'] });
    await settled(classifier);
    const failures: unknown[] = [];
    const before = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => failures.push(reason));
    const stop = classifier.subscribe(() => {
      if (classifier.progress().ranked > 0) throw new Error('A card broke.');
    });
    change({ photos: [photo('p')] });
    await vi.waitFor(() => expect(failures.length).toBeGreaterThan(0), PATIENCE);
    stop();
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener);
    change({ labels: ['cat', 'dog', 'bus'] });
    await settled(classifier);
    expect(rankingOf(classifier, 'p').set.labels).toEqual(['cat', 'dog', 'bus']);
  });

  it('is not ready while the labels are others, be they as many as before', async () => {
    const { classifier, change } = start({ encoder: fakeEncoder().encoder, labels: ['cat', 'dog'] });
    await settled(classifier);
    change({ templates: ['the {}'] });
    expect(classifier.progress().labelsReady).toBe(0);
    await settled(classifier);
    change({ labels: ['cat', 'owl'] });
    expect(classifier.progress().labelsReady).toBe(0);
    await settled(classifier);
  });

  it('says so where labels in templates make too many prompts, and reads none of them', async () => {
    const { encoder, prompts } = fakeEncoder();
    const { classifier, change } = start({
      encoder,
      labels: Array.from({ length: 2000 }, (_, i) => `label ${i}`),
      templates: Array.from({ length: 50 }, (_, i) => `${i} {}`),
    });
    await vi.waitFor(() =>
      expect(classifier.progress().labelProblem).toBe(
        '2,000 labels in 50 templates are 100,000 prompts; 80,000 is the most. Take out labels or templates.',
      ),
    );
    expect(prompts).toEqual([]);
    change({ labels: ['cat'], templates: TEMPLATES });
    await settled(classifier);
    expect(classifier.progress().labelProblem).toBeNull();
  });

  it('says why labels could not be encoded, and goes on after a retry', async () => {
    let broken = true;
    const { encoder } = fakeEncoder();
    const { classifier } = start({
      encoder: {
        ...encoder,
        embedLabels: async (labels, signal) => {
          if (broken) throw new Error('The GPU went away.');
          return encoder.embedLabels(labels, signal);
        },
      },
      photos: [photo('p')],
      labels: ['cat'],
    });
    await vi.waitFor(() => expect(classifier.progress().labelProblem).toBe('The GPU went away.'));
    broken = false;
    classifier.retryAll();
    await settled(classifier);
    expect(classifier.progress().labelProblem).toBeNull();
    expect(rankingOf(classifier, 'p').best.label).toBe('cat');
  });

  it('names labels that lost their tail', async () => {
    const { classifier } = start({
      encoder: fakeEncoder().encoder,
      labels: ['cat', 'a very long label', 'dog'],
    });
    await settled(classifier);
    expect(classifier.progress().truncated).toEqual(['a very long label']);
  });

  it('aborts what is not wanted any more', async () => {
    const aborted: string[] = [];
    const { encoder } = fakeEncoder({
      embedPhoto: ({ id }, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(id);
            reject(signal.reason);
          });
        }),
    });
    const { classifier, change } = start({ encoder, photos: [photo('p'), photo('q')] });
    await new Promise((resolve) => setTimeout(resolve, 10));
    change({ photos: [photo('q')] });
    await vi.waitFor(() => expect(aborted).toEqual(['p']));
    expect(classifier.progress().photos).toBe(1);
  });

  it('never mixes the vectors of two models', async () => {
    const first = fakeEncoder();
    const second = fakeEncoder({ modelKey: 'other', logitScale: 1 });
    const { classifier, change } = start({
      encoder: first.encoder,
      photos: [photo('p')],
      labels: ['cat', 'dog'],
    });
    await settled(classifier);
    change({ encoder: second.encoder });
    expect(classifier.result('p').state).toBe('waiting');
    await settled(classifier);
    expect(second.photos).toEqual(['p']);
    expect(second.prompts).toContain('a photo of a cat.');
    expect(rankingOf(classifier, 'p').logitScale).toBe(1);
  });
});
