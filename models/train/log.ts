// What a run tells: one JSON line a step and an evaluation in log.jsonl, for programs; one bar in the terminal, for people, with
// the loss beside ln(batch), which is what guessing gives.

import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import type { StepReport } from './trainer.ts';

export interface StepLine extends StepReport {
  /** Damaged pictures that other rows stood in for. */
  readonly skipped: number;
  /** Milliseconds for data, and for the whole step. */
  readonly waited: number;
  readonly took: number;
}

export interface EvaluationLine {
  readonly step: number;
  readonly accuracy: number;
  readonly better: boolean;
}

export interface RunLog {
  start(step: number, totalSteps: number): void;
  step(line: StepLine): void;
  evaluation(line: EvaluationLine): void;
  /** A picture that cannot be decoded, as a sentence; told once, beside the count in each step. */
  damaged(message: string): void;
  stop(): void;
}

/** Weight of the newest step in the shown loss and speed. */
const SMOOTHING = 0.05;

export function openLog(path: string, batchSize: number): RunLog {
  const chance = Math.log(batchSize).toFixed(2);
  const bar = new SingleBar(
    {
      format: `{bar} {percentage} % · step {value}/{total} · loss {loss} (ln batch ${chance}) · {speed} pairs/s · {left} left{held}`,
      // Where there is no terminal, a line now and then.
      noTTYOutput: true,
      notTTYSchedule: 30_000,
    },
    Presets.shades_classic,
  );
  mkdirSync(dirname(path), { recursive: true });
  const write = (line: object) => appendFileSync(path, `${JSON.stringify(line)}\n`);
  let loss: number | undefined;
  let took: number | undefined;
  let held = '';
  let total = 0;
  const smooth = (before: number | undefined, now: number) =>
    before === undefined ? now : before + SMOOTHING * (now - before);

  return {
    start(step, totalSteps) {
      total = totalSteps;
      bar.start(totalSteps, step, { loss: '–', speed: '–', left: '–', held });
    },
    step(line) {
      write({ type: 'step', time: new Date().toISOString(), ...rounded(line) });
      loss = smooth(loss, line.loss);
      took = smooth(took, line.took);
      bar.update(line.step, {
        loss: loss.toFixed(3),
        speed: ((1000 * batchSize) / took).toFixed(1),
        left: duration(((total - line.step) * took) / 1000),
        held,
      });
    },
    evaluation(line) {
      write({ type: 'evaluation', time: new Date().toISOString(), ...rounded(line) });
      held = ` · held-out ${(100 * line.accuracy).toFixed(1)} %${line.better ? ', the best yet' : ''}`;
    },
    damaged(message) {
      write({ type: 'damaged', time: new Date().toISOString(), message });
    },
    stop() {
      bar.stop();
    },
  };
}

/** Six significant digits are more than a log needs. */
function rounded<T extends object>(line: T): object {
  return Object.fromEntries(
    Object.entries(line).map(([key, value]) => [
      key,
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value,
    ]),
  );
}

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
