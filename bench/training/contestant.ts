// A process that is timed: it introduces itself in one line of JSON, and answers each line that it is sent with one.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Answer, Introduction, Request } from './answers.ts';

export interface Contestant<About extends Introduction = Introduction> {
  readonly about: About;
  ask(request: Request): Promise<Answer>;
  close(): void;
}

/** Why a contestant cannot take part. */
export interface Missing {
  readonly missing: string;
}

export async function start<About extends Introduction>(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Contestant<About> | Missing> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  const spawned = new Promise<boolean>((resolve) =>
    child.once('spawn', () => resolve(true)).once('error', () => resolve(false)),
  );
  if (!(await spawned)) return { missing: `${command} could not be run` };
  // Who has ended is found out when an answer is missing.
  child.stdin.on('error', () => {});
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async <Message>(): Promise<Message> => {
    const line = await lines.next();
    if (line.done) throw new Error(`${command} ${args.join(' ')} ended without an answer.\n${complaints}`);
    return JSON.parse(line.value);
  };
  const about = await next<About | Missing>();
  if ('missing' in about) return about;
  return {
    about,
    ask(request) {
      child.stdin.write(`${request}\n`);
      return next<Answer>();
    },
    close: () => child.stdin.end(),
  };
}
