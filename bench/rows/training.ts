// A step of training, whole (forward, backward, clipping, AdamW), beside the same network in PyTorch: equal weights, equal batch,
// equal threads, a process for each side, steps in turn. Wall-clock time, which is what a run takes: processor time would charge
// PyTorch for the threads of OpenBLAS that spin while they wait, and would hide a side that leaves a core idle.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { milliseconds, type Row, type Side, skipped, times } from '../report.ts';
import { interleaved, median } from '../statistics.ts';
import type { Answer, OurIntroduction } from '../training/answers.ts';
import { type Contestant, type Missing, start } from '../training/contestant.ts';
import { type BenchNetwork, NETWORKS } from '../training/networks.ts';
import { LONGEST, OPTIMISER, type Problem, writeProblem } from '../training/problem.ts';
import type { Setting } from './setting.ts';

const THREADS = 2;
const BATCH = 128;
/** Steps that count for nobody, whose losses are compared: the second shows that the first changed the weights equally. */
const FIRST_STEPS = 2;

/**
 * PyTorch's threads wait awake for some 100 µs and then sleep, as ours do. By default they spin for much longer, and beside any other
 * work on the same cores its step then takes up to ten times as long; asleep at once they are a twentieth slower. It is to be measured
 * at its best.
 */
const PYTORCH_ENV = { OMP_WAIT_POLICY: 'passive', GOMP_SPINCOUNT: '2000', ...process.env };

/** How far first losses may lie apart, in proportion, the rounder of both deciding: who computes something else is not faster. */
const TOLERANCE = { fp32: 1e-3, int8: 1e-2, bfloat16: 5e-2 } as const;

interface Peer extends Contestant {
  readonly name: string;
  readonly precision: keyof typeof TOLERANCE;
}

interface Counts {
  readonly batchSize: number;
  readonly rounds: number;
}

export async function training({ quick }: Pick<Setting, 'quick'>): Promise<Row[]> {
  const counts = quick ? { batchSize: 8, rounds: 1 } : { batchSize: BATCH, rounds: 9 };
  const rows: Row[] = [];
  for (const network of NETWORKS) rows.push(await besidePyTorch(network, counts));
  return rows;
}

async function besidePyTorch(network: BenchNetwork, { batchSize, rounds }: Counts): Promise<Row> {
  const { title, config, precision, floor } = network;
  const what = `training step, ${title}`;
  const promise = `${floor} × PyTorch's fp32 speed`;
  const problem: Problem = { config, batchSize, threads: THREADS, precision, ...OPTIMISER };
  const folder = await mkdtemp(join(tmpdir(), 'promptlens-bench-'));
  const closers: (() => void)[] = [];
  const opened = <Side extends Contestant>(side: Side): Side => {
    closers.push(side.close);
    return side;
  };
  try {
    await writeProblem(folder, problem);
    const peers: Peer[] = [];
    for (const { name, layout, captions, ...told } of peersOf(network)) {
      const script = ['bench/training/pytorch.py', folder, told.precision, layout, captions];
      const peer = await start(process.env.PYTHON ?? '/usr/bin/python3', script, PYTORCH_ENV);
      if ('missing' in peer) return skipped(what, promise, peer.missing);
      peers.push(opened({ ...peer, ...told, name }));
    }
    const ours = opened(
      present(
        await start<OurIntroduction>(process.execPath, ['--import', 'tsx', 'bench/training/ours.ts', folder]),
      ),
    );
    await sameTraining(network, ours, peers);

    await ours.ask('product');
    const contestants: Record<string, () => Promise<Answer>> = {
      ours: () => ours.ask('step'),
      product: () => ours.ask('product'),
    };
    for (const { name, ask } of peers) contestants[name] = () => ask('step');
    const samples = await interleaved(contestants, { rounds });
    const ms = (name: string) => median(samples[name].map((answer) => answer.ms));
    const own = ms('ours');
    const ratio = ms(peers[0].name) / own;
    return {
      what,
      floor: promise,
      measured: times(ratio),
      pass: ratio >= floor,
      sides: [
        ...ourSides(ours.about, problem, samples),
        ...peers.map(
          ({ name, about }): Side => ({
            who: `${about.engine}, ${name} (${times(ms(name) / own)})`,
            figure: milliseconds(ms(name)),
            does: 'the same weights, batch and optimiser, equal losses in the first two steps',
            samples: samples[name],
          }),
        ),
      ],
    };
  } finally {
    for (const close of closers) close();
    await rm(folder, { recursive: true });
  }
}

/** The first is whom the ratio is to: as PyTorch is used, in fp32. */
function peersOf({ layouts, captions }: BenchNetwork) {
  return (['fp32', 'bfloat16'] as const).flatMap((precision) =>
    layouts.flatMap((layout) =>
      captions.map((captions) => {
        const told = [
          precision,
          ...(layout === 'channels_last' ? ['channels last'] : []),
          captions === 'cut' ? `captions of ${LONGEST} tokens` : 'captions padded to the context',
        ];
        return { name: told.join(', '), precision, layout, captions };
      }),
    ),
  );
}

function present<Present extends object>(side: Present | Missing): Present {
  if ('missing' in side) throw new Error(`Our own side cannot be measured: ${side.missing}.`);
  return side;
}

/** Equal numbers of parameters and equal first losses. */
async function sameTraining(
  { title, precision: own }: BenchNetwork,
  ours: Contestant,
  peers: readonly Peer[],
): Promise<void> {
  for (const { name, about } of peers) {
    if (about.parameters === ours.about.parameters) continue;
    throw new Error(
      `The ${title} has ${ours.about.parameters} parameters here and ${about.parameters} in PyTorch (${name}): they are not the same network.`,
    );
  }
  for (let step = 1; step <= FIRST_STEPS; step++) {
    const { loss } = await ours.ask('step');
    for (const { name, precision, ask } of peers) {
      const theirs = (await ask('step')).loss;
      const tolerance = Math.max(TOLERANCE[own], TOLERANCE[precision]);
      if (Math.abs(theirs - loss) <= tolerance * Math.abs(loss)) continue;
      throw new Error(
        `Step ${step} of the ${title}, from the same weights and batch, has a loss of ${loss} here and of ${theirs} in PyTorch (${name}); they should lie within ${tolerance} of each other, in proportion.`,
      );
    }
  }
}

function ourSides(
  { engine, parameters, flopsPerStep, flopsPerProduct }: OurIntroduction,
  { config, batchSize, threads, precision }: Problem,
  { ours: steps, product: products }: Readonly<Record<string, readonly Answer[]>>,
): Side[] {
  /** Floating-point operations a second. */
  const speed = (flops: number, answers: readonly Answer[]) =>
    (flops / median(answers.map(({ ms }) => ms))) * 1000;
  const [step, peak] = [speed(flopsPerStep, steps), speed(flopsPerProduct, products)];
  const size = config.vision_config.image_size;
  return [
    {
      who: 'ours',
      figure: milliseconds(median(steps.map(({ ms }) => ms))),
      does: `${(parameters / 1e6).toFixed(1)} M parameters, ${batchSize} pairs of ${size} × ${size} pixels and captions of up to ${LONGEST} tokens, ${threads} threads, ${engine}; ${(flopsPerStep / 1e9).toPrecision(3)} GFLOP of products and convolutions${precision === 'int8' ? ", those with the transformers' matrices in int8 but for their gradients" : ''}, ${((100 * step) / peak).toFixed(0)} % of the speed of one large product in fp32`,
      samples: steps,
    },
    {
      who: 'one large matrix product in fp32',
      figure: `${(peak / 1e9).toFixed(0)} GFLOP/s`,
      does: `${engine}, ${threads} threads, in turn with the steps`,
      samples: products,
    },
  ];
}
