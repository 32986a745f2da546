// What a run has told so far, as a report shows it: a RunLog that remembers. A resumed run's past is in its log.jsonl, which is
// read once, when the run starts; of what a killed run has told after its last checkpoint nothing counts, since it is done anew.

import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { EvaluationLine, RunLog, StepLine } from '../log.ts';
import { Curve } from './curve.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** JSON has no word for what is no number: it says null. */
const quantity = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? Number.NaN),
);
const Line = v.variant('type', [
  v.object({
    type: v.literal('step'),
    step: count,
    loss: quantity,
    learningRate: quantity,
    logitScale: quantity,
    gradientNorm: quantity,
    skipped: count,
    waited: v.number(),
    took: v.number(),
  }),
  v.object({
    type: v.literal('evaluation'),
    step: count,
    accuracy: v.nullable(v.number()),
    unseen: v.optional(v.number()),
    better: v.boolean(),
    // The first logs had none.
    predictions: v.optional(
      v.array(
        v.object({
          id: v.string(),
          best: v.array(v.object({ label: v.string(), probability: v.number(), right: v.boolean() })),
        }),
      ),
      [],
    ),
  }),
  v.object({ type: v.literal('damaged'), message: v.string() }),
]);

export interface Curves {
  readonly accuracy: Curve;
  readonly loss: Curve;
  readonly learningRate: Curve;
  readonly logitScale: Curve;
  readonly gradientNorm: Curve;
  readonly pairsPerSecond: Curve;
}

export interface History {
  /** Steps done, and steps in the whole run. */
  readonly step: number;
  readonly totalSteps: number;
  readonly curves: Curves;
  readonly evaluations: readonly EvaluationLine[];
  /** A sentence for each picture that cannot be decoded; a resumed run tells of the same ones again. */
  readonly damaged: ReadonlySet<string>;
  /** Steps that are remembered: fewer than `step` where a resumed run's log is gone. */
  readonly counted: number;
  /** Milliseconds of these steps, and of these the ones in which a step waited for data. */
  readonly took: number;
  readonly waited: number;
}

/** @param logFile the log.jsonl that a resumed run's past is read from */
export function remember(logFile: string, batchSize: number): { log: RunLog; history: History } {
  const damaged = new Set<string>();
  const evaluations: EvaluationLine[] = [];
  const curves: Curves = {
    accuracy: new Curve(),
    loss: new Curve(),
    learningRate: new Curve(),
    logitScale: new Curve(),
    gradientNorm: new Curve(),
    pairsPerSecond: new Curve(),
  };
  const history = { step: 0, totalSteps: 0, curves, evaluations, damaged, counted: 0, took: 0, waited: 0 };

  const log = {
    start(step: number, totalSteps: number) {
      history.step = step;
      history.totalSteps = totalSteps;
      if (step === 0) return;
      const past = readPast(logFile, step);
      past.steps.forEach(log.step);
      past.evaluations.forEach(log.evaluation);
      past.damaged.forEach(log.damaged);
    },
    step(line: StepLine) {
      const { step, loss, learningRate, logitScale, gradientNorm, took, waited } = line;
      curves.loss.add(step, loss);
      curves.learningRate.add(step, learningRate);
      curves.logitScale.add(step, logitScale);
      curves.gradientNorm.add(step, gradientNorm);
      curves.pairsPerSecond.add(step, (1000 * batchSize) / took);
      history.step = step;
      history.counted++;
      history.took += took;
      history.waited += waited;
    },
    evaluation(line: EvaluationLine) {
      // A run that was killed between telling and saving tells it again.
      if (evaluations.at(-1)?.step === line.step) evaluations.pop();
      evaluations.push(line);
      if (line.accuracy !== null) curves.accuracy.add(line.step, line.accuracy);
    },
    damaged(message: string) {
      damaged.add(message);
    },
    checkpoint() {},
    stop() {},
  };
  return { log, history };
}

/** What counts of a log's lines for a run that goes on after `step`: of each step and evaluation the last that was told. */
function readPast(path: string, step: number) {
  const steps = new Map<number, StepLine>();
  const evaluations = new Map<number, EvaluationLine>();
  const damaged = new Set<string>();
  for (const text of linesOf(path)) {
    const line = parsed(text);
    if (line?.type === 'damaged') damaged.add(line.message);
    else if (line && line.step <= step) {
      if (line.type === 'step') steps.set(line.step, line);
      else evaluations.set(line.step, line);
    }
  }
  const inOrder = <Told extends { step: number }>(told: ReadonlyMap<number, Told>) =>
    [...told.values()].sort((a, b) => a.step - b.step);
  return { steps: inOrder(steps), evaluations: inOrder(evaluations), damaged };
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    // A run whose log was taken away goes on all the same; its report then begins here.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Null for a line that is not whole, such as the last of a run whose machine went down. */
function parsed(text: string): v.InferOutput<typeof Line> | null {
  try {
    const result = v.safeParse(Line, JSON.parse(text));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}
