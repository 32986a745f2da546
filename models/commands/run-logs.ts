// Who hears of a run, by --report-to: the terminal and log.jsonl always do.

import { basename, join, resolve } from 'node:path';
import type { ClipConfig } from '../clip/config.ts';
import type { LossName } from '../train/contrastive-loss.ts';
import { type Guessing, inTurn, openLog, type RunLog } from '../train/log.ts';
import { type History, remember } from '../train/report/history.ts';
import { networkFacts } from '../train/report/network-facts.ts';
import type { ReportFacts } from '../train/report/page.ts';
import { openReport } from '../train/report/report.ts';
import { samplePictures } from '../train/report/sample.ts';
import { openEvents } from '../train/tensorboard/events.ts';
import { UsageError } from './arguments.ts';
import type { Judges } from './held-out.ts';

export const REPORTS = ['html', 'tensorboard', 'none'] as const;
type Reports = readonly (typeof REPORTS)[number][];

export interface RunLogs {
  readonly log: RunLog;
  /** What a report would show; null where none is wanted. */
  readonly history: History | null;
}

export function refuseReports(reportTo: Reports): void {
  if (reportTo.includes('none') && reportTo.length > 1) {
    throw new UsageError(`--report-to is ${reportTo.join(',')}; leave none out, or give it alone.`);
  }
}

export function openRunLogs(
  out: string,
  batchSize: number,
  guessing: Guessing | null,
  reportTo: Reports,
): RunLogs {
  const logFile = join(out, 'log.jsonl');
  const remembered = reportTo.includes('html') ? remember(logFile, batchSize) : null;
  const log = inTurn([
    openLog(logFile, batchSize, guessing),
    ...(reportTo.includes('tensorboard') ? [openEvents(join(out, 'tensorboard'), batchSize)] : []),
    ...(remembered ? [remembered.log] : []),
  ]);
  return { log, history: remembered?.history ?? null };
}

/** `log` and behind it report.html, which can be opened only where the data is known and its damaged rows are left out. */
export async function withReport(
  { log, history }: RunLogs,
  run: Pick<ReportFacts, 'settings' | 'batchesPerEpoch' | 'guessing'> & {
    readonly out: string;
    readonly config: ClipConfig;
    readonly loss: LossName;
    readonly judges: Judges | null;
  },
): Promise<RunLog> {
  if (!history) return log;
  const { out, config, judges, settings, batchesPerEpoch, guessing } = run;
  const report = openReport(join(out, 'report.html'), history, {
    name: basename(resolve(out)),
    network: networkFacts(config, run.loss),
    settings,
    batchesPerEpoch,
    guessing,
    heldOut: judges?.areHeldOut ? { rows: judges.rows.length, classes: judges.classes.length } : null,
    sample: judges && {
      pictures: await samplePictures(judges.rows),
      choices: judges.classes.length,
      kind: judges.kind,
    },
  });
  return inTurn([log, report]);
}
