// Puts cases to one reader. Each must end in a value or in one sentence, soon, and without more memory than its file explains.

import { getHeapStatistics } from 'node:v8';
import { randomStream } from '../../models/data/random.ts';
import type { Target } from './target.ts';

export const LIMITS = {
  /** Of one case, by the clock or of this process's processor time, whichever is less: others may have had the processor. */
  milliseconds: 1000,
  /** Bytes that a case may take for each of its file's, and beside that: a small file may be a list of other things. */
  bytesPerByte: 2,
  bytesBeside: 2 ** 26,
} as const;

export interface Tally {
  cases: number;
  refused: number;
  accepted: number;
  slowestMs: number;
  /** What a case has taken beyond its file, in bytes: growth of V8's heap and of its buffers. */
  mostBytes: number;
}

export interface Violation {
  readonly index: number;
  readonly file: Uint8Array;
  readonly reason: string;
}

/** Runs cases [from, to) of a seed; each depends on its number alone, so that any can be repeated. Ends at the first violation. */
export async function runCases(
  target: Target,
  seed: number,
  [from, to]: readonly [number, number],
  onCase: (index: number) => void = () => {},
): Promise<{ tally: Tally; violation: Violation | null }> {
  const tally: Tally = { cases: 0, refused: 0, accepted: 0, slowestMs: 0, mostBytes: 0 };
  for (let index = from; index < to; index++) {
    onCase(index);
    const file = target.make(randomStream('fuzz', target.name, seed, index));
    const ran = await runCase(target, file);
    tally.cases++;
    tally[ran.accepted ? 'accepted' : 'refused']++;
    tally.slowestMs = Math.max(tally.slowestMs, ran.milliseconds);
    tally.mostBytes = Math.max(tally.mostBytes, ran.bytes);
    const reason = ran.fault ?? beyondLimits(ran, file);
    if (reason !== null) return { tally, violation: { index, file, reason } };
  }
  return { tally, violation: null };
}

interface Ran {
  readonly accepted: boolean;
  readonly milliseconds: number;
  readonly bytes: number;
  /** What is wrong with the error, if anything is. */
  readonly fault: string | null;
}

async function runCase(target: Target, file: Uint8Array<ArrayBuffer>): Promise<Ran> {
  const before = bytesInUse();
  const started = performance.now();
  const used = process.cpuUsage();
  let accepted = true;
  let fault: string | null = null;
  try {
    await target.read(file);
  } catch (error) {
    accepted = false;
    fault = faultIn(error, target.names);
  }
  const { user, system } = process.cpuUsage(used);
  const milliseconds = Math.min(performance.now() - started, (user + system) / 1000);
  return { accepted, milliseconds, bytes: bytesInUse() - before, fault };
}

function bytesInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

function beyondLimits({ milliseconds, bytes }: Ran, file: Uint8Array): string | null {
  if (milliseconds > LIMITS.milliseconds) return `it took ${Math.round(milliseconds)} ms`;
  const most = LIMITS.bytesPerByte * file.length + LIMITS.bytesBeside;
  return bytes > most ? `it took ${bytes} bytes for a file of ${file.length}` : null;
}

/** Words of an engine that met what nobody had thought of. */
const ENGINE =
  /is not (?:a function|iterable|defined)|Cannot read|Cannot convert|Invalid (?:array|typed array|string)|Maximum call stack|outside the bounds|\bNaN\b|\[object /;

/** What keeps an error from being a sentence for whoever chose the file; null where nothing does. */
export function faultIn(error: unknown, names: RegExp): string | null {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const { name, message } = error;
  if (name !== 'Error') return `it threw a ${name}: ${error.stack}`;
  if (!/^[^\n\r]{1,1000}[.?]$/.test(message))
    return `its message is no sentence: ${JSON.stringify(message.slice(0, 2000))}`;
  if (ENGINE.test(message)) return `its message is the engine's: ${message}`;
  return names.test(message) ? null : `its message does not name the file: ${message}`;
}
