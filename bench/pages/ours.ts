// The product's inference client and its ranking in a page without the rest.

import { createInferenceClient } from '../../app/inference/client.ts';
import type { ModelReport } from '../../app/inference/types.ts';
import { fillTemplate } from '../../models/clip/prompts.ts';
import { createCosineTable, normalize, rank, rankCosines } from '../../models/clip/ranking.ts';
import { asked, fetchBlob, type OursPage, Photographs, TEMPLATE } from './contract.ts';

/** What the page shows of each photograph. */
const TOP_LABELS = 5;

const client = createInferenceClient();
const photographs = new Photographs();
let report: ModelReport;
let labelVectors: readonly Float32Array[] = [];

async function load(model: string): Promise<number> {
  const modelUrl = new URL(`/models/${model}/`, location.href).href;
  report = await client.load({
    place: { on: 'site', url: modelUrl },
    precision: 'auto',
    backend: 'wasm',
    allowSoftwareAdapter: false,
  });
  return report.threads;
}

async function embedLabels(labels: readonly string[]): Promise<readonly Float32Array[]> {
  const { labels: embedded } = await client.embedLabels(
    labels.map((label) => [fillTemplate(TEMPLATE, label)]),
  );
  return embedded.map(({ vector }) => vector);
}

async function rankBlob(photo: Blob) {
  const { vector } = await client.embedImage(photo, 'photograph');
  return rank(vector, labelVectors, { logitScale: report.logitScale });
}

function randomVector(): Float32Array {
  // The config.json of every folder here says it.
  const length = Number(report.embedDim);
  return normalize(Float32Array.from({ length }, () => Math.random() - 0.5));
}

window.ours = {
  load,
  fetchPhotographs: (addresses) => photographs.fetch(addresses),
  embed: async (address) => [...(await client.embedImage(await fetchBlob(address), address)).vector],

  async setLabels(labels) {
    const start = performance.now();
    labelVectors = await embedLabels(labels);
    return performance.now() - start;
  },

  async rank(first, count) {
    const start = performance.now();
    await Promise.all(photographs.take(first, count).map(rankBlob));
    return performance.now() - start;
  },

  async addLabel(photographCount, labelCount) {
    const images = Array.from({ length: photographCount }, randomVector);
    const labels = Array.from({ length: labelCount }, randomVector);
    const table = createCosineTable();
    for (const image of images) table.row(image, labels);
    const start = performance.now();
    const [added] = await embedLabels([`label ${Math.random()}`]);
    const encoded = performance.now();
    const all = [...labels, added];
    for (const image of images) {
      rankCosines(table.row(image, all), { logitScale: report.logitScale, topK: TOP_LABELS });
    }
    return { prompt: encoded - start, ranking: performance.now() - encoded };
  },
} satisfies OursPage;

async function firstAnswer(model: string, photograph: string, labels: readonly string[]) {
  const photo = fetchBlob(photograph);
  const threads = await load(model);
  const [{ vector }, vectors] = await Promise.all([
    client.embedImage(await photo, photograph),
    embedLabels(labels),
  ]);
  const [best] = rank(vector, vectors, { logitScale: report.logitScale });
  return { ms: performance.now(), threads, best: labels[best.index] };
}

const { model, photograph, labels } = asked();
if (photograph !== null) window.firstAnswer = firstAnswer(model, photograph, labels);
