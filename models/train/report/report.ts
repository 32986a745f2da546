// report.html beside the model: a RunLog that shows a run to people while it goes on. It is written anew after evaluations and
// checkpoints, beside and renamed, so that a browser never sees half of it. It is never written so often that it costs more
// than a share of the run.

import { messageOf } from '../../clip/message-of.ts';
import { writeFileWhole } from '../../files/folder.ts';
import type { RunLog } from '../log.ts';
import type { History } from './history.ts';
import { type ReportFacts, reportPage } from './page.ts';

/** How long the report is left alone after it was written, in times of what that took: it then costs 1/200 of a run at most. */
const REST = 200;

/** @param history is told of everything before the report is */
export function openReport(path: string, history: History, facts: ReportFacts): RunLog {
  let shown: string | null = null;
  let restUntil = 0;
  let failed = false;

  /** A report that cannot be written is told of once; it is no reason to end the run. */
  async function write(): Promise<void> {
    const started = performance.now();
    try {
      await writeFileWhole(path, reportPage(history, facts, new Date()));
    } catch (error) {
      if (!failed) console.warn(`${messageOf(error)} The run goes on.`);
      failed = true;
    }
    const ended = performance.now();
    restUntil = ended + REST * (ended - started);
    shown = state();
  }
  async function writeUnlessResting(): Promise<void> {
    if (performance.now() >= restUntil) await write();
  }
  const state = () => `${history.step} ${history.evaluations.length}`;

  return {
    start() {},
    step() {},
    evaluation: writeUnlessResting,
    damaged() {},
    checkpoint: writeUnlessResting,
    async stop() {
      if (shown !== state()) await write();
    },
  };
}
