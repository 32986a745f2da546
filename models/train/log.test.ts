import { describe, expect, it } from 'vitest';
import { inTurn, type RunLog } from './log.ts';

describe('inTurn', () => {
  it('tells each log after the other, and waits for each', async () => {
    const told: string[] = [];
    const slow = (name: string): RunLog => {
      const hear = (what: string) => () => void told.push(`${name} ${what}`);
      const later = (what: string) => async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        told.push(`${name} ${what}`);
      };
      return {
        start: hear('start'),
        step: hear('step'),
        evaluation: later('evaluation'),
        damaged: hear('damaged'),
        checkpoint: later('checkpoint'),
        stop: later('stop'),
      };
    };
    const log = inTurn([slow('one'), slow('two')]);
    log.start(0, 1);
    await log.evaluation({ step: 1, accuracy: 1, better: true, predictions: [] });
    // Handed on by itself, as to a stream of pairs.
    const { damaged } = log;
    damaged('a.jpg');
    await log.checkpoint();
    await log.stop();
    expect(told).toEqual(
      ['start', 'evaluation', 'damaged', 'checkpoint', 'stop'].flatMap((what) => [
        `one ${what}`,
        `two ${what}`,
      ]),
    );
  });
});
