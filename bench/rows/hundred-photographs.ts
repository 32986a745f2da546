// 100 photographs × 10 labels from files in memory to rankings, models loaded and warm. transformers.js is measured in each
// way in which it can be used; the floor is for the way that gives each photograph's answer as it is done, as ours does.

import type { Page } from '@playwright/test';
import { openPage, withSearch } from '../browser.ts';
import type { BenchModel } from '../models.ts';
import type { Way } from '../pages/contract.ts';
import { milliseconds, type Row, type Side, times } from '../report.ts';
import { interleaved, median } from '../statistics.ts';
import type { Setting } from './setting.ts';

const PHOTOGRAPHS = 100;
/** The same photograph of the model's own size must be the same vector on both sides. */
const LEAST_COSINE = 0.99;

const WAYS = {
  'one by one': 'the pipeline, a call for each photograph',
  'at once': 'the pipeline, a call for each turn of photographs together',
  encoders: 'its two encoders by themselves, labels encoded once and kept, a photograph at a time',
} as const satisfies Record<Way, string>;

export interface HundredOptions {
  readonly floor: number;
  /** Photographs a turn, and turns. */
  readonly turn: number;
  readonly rounds: number;
}

export interface Hundred {
  readonly row: Row;
  /** Of the pipeline at its defaults; a label more means all of it again. */
  readonly peerPerPhotograph: number;
}

export async function hundredPhotographs(
  { browser, site, threads }: Setting,
  model: BenchModel,
  { floor, turn, rounds }: HundredOptions,
): Promise<Hundred> {
  const ours = await openPage(browser, site.ours);
  const peer = await openPage(browser, site.peer);
  const peerEqual = await openPage(browser, withSearch(site.peer, { threads: String(threads) }));
  try {
    const load = { model: model.name, photographs: site.photographs, labels: site.labels };
    const mine = await ours.evaluate(async ({ model, photographs, labels }) => {
      const threads = await window.ours.load(model);
      await window.ours.fetchPhotographs(photographs);
      await window.ours.setLabels(labels);
      return { threads, labels: await window.ours.setLabels(labels) };
    }, load);
    const loadPeer = (page: Page) =>
      page.evaluate(async ({ model, photographs, labels }) => {
        const threads = await window.peer.load(model);
        await window.peer.fetchPhotographs(photographs);
        await window.peer.setLabels(labels);
        return { threads, labels: await window.peer.setLabels(labels) };
      }, load);
    const theirs = await loadPeer(peer);
    const theirsEqual = await loadPeer(peerEqual);
    await sameVectors(ours, peer, site.plainPicture(model), model);

    const rankPeer = (page: Page, way: Way) => async (round: number) =>
      (await page.evaluate(({ way, first, count }) => window.peer.rank(way, first, count), {
        way,
        first: round * turn,
        count: turn,
      })) / turn;
    const samples = await interleaved(
      {
        ours: async (round) =>
          (await ours.evaluate(({ first, count }) => window.ours.rank(first, count), {
            first: round * turn,
            count: turn,
          })) / turn,
        'one by one': rankPeer(peer, 'one by one'),
        'one by one, equal': rankPeer(peerEqual, 'one by one'),
        'at once': rankPeer(peer, 'at once'),
        'at once, equal': rankPeer(peerEqual, 'at once'),
        encoders: rankPeer(peer, 'encoders'),
        'encoders, equal': rankPeer(peerEqual, 'encoders'),
      },
      { rounds, warmUp: 1 },
    );
    const whole = (perPhotograph: readonly number[], labels = 0) =>
      labels + PHOTOGRAPHS * median(perPhotograph);
    const own = whole(samples.ours, mine.labels);
    const side = (way: Way, equal: boolean): Side => {
      const perPhotograph = samples[equal ? (`${way}, equal` as const) : way];
      const { threads, labels } = equal ? theirsEqual : theirs;
      const all = whole(perPhotograph, way === 'encoders' ? labels : 0);
      return {
        who: `transformers.js, ${equal ? 'equal threads' : 'its defaults'} (${times(all / own)})`,
        figure: milliseconds(all),
        does: `${WAYS[way]}; WASM, ${threads} thread(s)`,
        samples: perPhotograph,
      };
    };
    const peerPerPhotograph = median(samples['one by one']);
    const ratio = whole(samples['one by one']) / own;
    return {
      peerPerPhotograph,
      row: {
        what: `${PHOTOGRAPHS} photographs × ${site.labels.length} labels, ${model.title}`,
        floor: floor === 1 ? 'not slower' : `${floor} × faster`,
        measured: times(ratio),
        pass: ratio >= floor,
        sides: [
          {
            who: 'ours',
            figure: milliseconds(own),
            does: `all photographs asked for at once, labels encoded once; worker, WASM, ${mine.threads} thread(s); ${rounds} turns of ${turn}, interleaved`,
            samples: samples.ours,
          },
          side('one by one', false),
          side('one by one', true),
          side('at once', false),
          side('at once', true),
          side('encoders', false),
          side('encoders', true),
        ],
      },
    };
  } finally {
    for (const page of [ours, peer, peerEqual]) await page.context().close();
  }
}

/** Whoever computes something else is not faster. */
async function sameVectors(ours: Page, peer: Page, picture: string, { name }: BenchModel): Promise<void> {
  const mine = await ours.evaluate((address) => window.ours.embed(address), picture);
  const theirs = await peer.evaluate((address) => window.peer.embed(address), picture);
  const cosine = mine.reduce((sum, value, i) => sum + value * theirs[i], 0);
  if (!(cosine >= LEAST_COSINE)) {
    throw new Error(
      `Both sides were given the same picture and ${name}; the cosine of their vectors is ${cosine}, ${LEAST_COSINE} was expected.`,
    );
  }
}
