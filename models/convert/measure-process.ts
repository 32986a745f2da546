// Comparing opens the whole network again and each precision: in a process of its own, so that what exports stays small whatever the
// model's size. This file is both sides of it: started as a program it measures what its parent asks.

import { fork } from 'node:child_process';
import { type Measured, type MeasureRequest, type MeasureResult, measure } from './measure.ts';

type Answer =
  | { readonly measured: Measured }
  | { readonly result: MeasureResult }
  | { readonly error: string };

/** Rejects with the signal's reason where it is aborted, and with a sentence where the process ends without an answer. */
export function measureApart(
  request: MeasureRequest,
  { signal, onMeasured }: { signal?: AbortSignal; onMeasured?: (measured: Measured) => void },
): Promise<MeasureResult> {
  signal?.throwIfAborted();
  const child = fork(import.meta.filename, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
  return new Promise<MeasureResult>((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    child.on('message', (answer: Answer) => {
      if ('measured' in answer) onMeasured?.(answer.measured);
      else if ('result' in answer) resolve(answer.result);
      else reject(new Error(answer.error));
    });
    child.once('error', reject);
    child.once('exit', (code, by) => {
      signal?.removeEventListener('abort', stop);
      const how = by === null ? `with code ${code}` : `by ${by}`;
      reject(
        new Error(
          `Comparing ${request.trained} with what was made of it ended ${how}, before it was done. Is there memory enough to open the model?`,
        ),
      );
    });
    child.send(request);
  }).finally(() => child.kill());
}

function say(answer: Answer): void {
  process.send?.(answer);
}

if (process.argv[1] === import.meta.filename) {
  process.once('message', (request: MeasureRequest) => {
    measure(request, (measured) => say({ measured }))
      .then((result) => say({ result }))
      .catch((error: Error) => say({ error: error.message }));
  });
}
