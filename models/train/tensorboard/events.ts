// A run as TensorBoard reads it: a file of events for each time that it is begun or resumed, named so that they sort by time.
// `tensorboard --logdir runs` shows all of them as one run, and several runs beside each other.

import { join } from 'node:path';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { RunLog } from '../log.ts';
import { type LogFile, openLogFile } from '../log-file.ts';
import { EventSchema, SessionLog_SessionStatus as SessionStatus } from './event_pb.ts';
import { record } from './record.ts';

/** @param folder made where it is not there; nothing is written before the run starts */
export function openEvents(folder: string, batchSize: number): RunLog {
  let file: LogFile | null = null;

  type What = NonNullable<MessageInitShape<typeof EventSchema>['what']>;
  function write(step: number, what: What): void {
    const event = create(EventSchema, { wallTime: Date.now() / 1000, step: BigInt(step), what });
    file?.write(record(toBinary(EventSchema, event)));
  }
  function scalars(step: number, values: Readonly<Record<string, number>>): void {
    const value = Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue }));
    write(step, { case: 'summary', value: { value } });
  }

  return {
    start(step) {
      file = openLogFile(join(folder, fileName(step)));
      write(0, { case: 'fileVersion', value: 'brain.Event:2' });
      // A run that was killed has told of steps after its last checkpoint, which are done anew.
      if (step > 0) write(step + 1, { case: 'sessionLog', value: { status: SessionStatus.START } });
    },
    step({ step, loss, learningRate, logitScale, gradientNorm, took }) {
      scalars(step, {
        'train/loss': loss,
        'train/learning_rate': learningRate,
        'train/logit_scale': logitScale,
        'train/gradient_norm': gradientNorm,
        'train/pairs_per_second': (1000 * batchSize) / took,
      });
    },
    evaluation({ step, accuracy, unseen }) {
      scalars(step, {
        ...(accuracy !== null && { 'held_out/accuracy': accuracy }),
        ...(unseen !== undefined && { 'held_out/unseen': unseen }),
      });
    },
    damaged() {},
    checkpoint() {},
    stop() {
      file?.close();
    },
  };
}

/** Others write their host's name at the end; ours is nobody's business. */
function fileName(step: number): string {
  const seconds = Math.floor(Date.now() / 1000);
  return `events.out.tfevents.${seconds}.promptlens.${String(step).padStart(9, '0')}`;
}
