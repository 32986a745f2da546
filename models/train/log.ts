// What a run tells, and to whom: whoever wants to hear of it is a RunLog, and several are told in turn. The two that every run
// has are here: one JSON line a step and an evaluation in log.jsonl, for programs; one bar in the terminal, for people, with the
// loss beside what guessing gives.

import { Presets, SingleBar } from 'cli-progress';
import { openLogFile } from './log-file.ts';
import type { StepReport } from './trainer.ts';

export interface StepLine extends StepReport {
  /** Damaged pictures that other rows stood in for. */
  readonly skipped: number;
  /** Milliseconds for data, and for the whole step. */
  readonly waited: number;
  readonly took: number;
}

/** What the weights say of one of the pictures that a report shows. */
export interface Prediction {
  /** The row's. */
  readonly id: string;
  /** The most probable labels or captions, best first. */
  readonly best: readonly { readonly label: string; readonly probability: number; readonly right: boolean }[];
}

export interface Evaluation {
  /** Zero-shot, on held-out rows, 0 to 1; null where none are held out, and only the predictions say something. */
  readonly accuracy: number | null;
  /** The same of classes that training sees nothing of, told apart from each other; only where some are held out. */
  readonly unseen?: number;
  readonly predictions: readonly Prediction[];
}

export interface EvaluationLine extends Evaluation {
  readonly step: number;
  readonly better: boolean;
}

export interface RunLog {
  start(step: number, totalSteps: number): void;
  step(line: StepLine): void;
  evaluation(line: EvaluationLine): void | Promise<void>;
  /** A picture that cannot be decoded, as a sentence; told once, beside the count in each step. May come before the start. */
  damaged(message: string): void;
  /** The state has just been saved: a good time for what takes a while. */
  checkpoint(): void | Promise<void>;
  stop(): void | Promise<void>;
}

/** Tells each of `logs`, in their order. */
export function inTurn(logs: readonly RunLog[]): RunLog {
  return {
    start(step, totalSteps) {
      for (const log of logs) log.start(step, totalSteps);
    },
    step(line) {
      for (const log of logs) log.step(line);
    },
    async evaluation(line) {
      for (const log of logs) await log.evaluation(line);
    },
    damaged(message) {
      for (const log of logs) log.damaged(message);
    },
    async checkpoint() {
      for (const log of logs) await log.checkpoint();
    },
    async stop() {
      for (const log of logs) await log.stop();
    },
  };
}

/** Weight of the newest step in the shown loss and speed. */
const SMOOTHING = 0.05;

/** The loss that guessing gives, and how it is written. */
export interface Guessing {
  readonly loss: number;
  readonly label: string;
}

/** @param guessing null for a loss that has no such number */
export function openLog(path: string, batchSize: number, guessing: Guessing | null): RunLog {
  const chance = guessing === null ? '' : ` (guessing ${guessing.loss.toFixed(2)})`;
  const bar = new SingleBar(
    {
      format: `{bar} {percentage} % · step {value}/{total} · loss {loss}${chance} · {speed} pairs/s · {left} left{held}{damaged}`,
      // Where there is no terminal, a line now and then.
      noTTYOutput: true,
      notTTYSchedule: 30_000,
    },
    Presets.shades_classic,
  );
  const file = openLogFile(path);
  const write = (type: string, line: object) => {
    const told = { type, time: new Date().toISOString(), ...line };
    file.write(`${JSON.stringify(told, rounded)}\n`);
  };
  let loss: number | undefined;
  let took: number | undefined;
  let held = '';
  let total = 0;
  let skipped = 0;
  const smooth = (before: number | undefined, now: number) =>
    before === undefined ? now : before + SMOOTHING * (now - before);

  return {
    start(step, totalSteps) {
      total = totalSteps;
      // Of a run that was killed, steps behind this one stand above and are done anew.
      write('start', { step, totalSteps });
      bar.start(totalSteps, step, { loss: '–', speed: '–', left: '–', held, damaged: '' });
    },
    step(line) {
      write('step', line);
      loss = smooth(loss, line.loss);
      skipped += line.skipped;
      took = smooth(took, line.took);
      bar.update(line.step, {
        loss: loss.toFixed(3),
        speed: ((1000 * batchSize) / took).toFixed(1),
        left: duration(((total - line.step) * took) / 1000),
        held,
        damaged: skipped === 0 ? '' : ` · ${skipped} damaged pictures skipped`,
      });
    },
    evaluation(line) {
      write('evaluation', line);
      const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
      if (line.accuracy === null) return;
      held = ` · held-out ${percent(line.accuracy)}${line.better ? ', the best yet' : ''}`;
      if (line.unseen !== undefined) held += `, unseen classes ${percent(line.unseen)}`;
    },
    damaged(message) {
      write('damaged', { message });
    },
    checkpoint() {},
    stop() {
      bar.stop();
      file.close();
    },
  };
}

/** Six significant digits are more than a log needs. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

export function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
