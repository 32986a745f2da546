// The files are read back by a reader of the test's own, which shares nothing with the writer but the published format.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';
import { openEvents } from './events.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'promptlens-events-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Bit by bit, without a table. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function unmasked(crc: number): number {
  const turned = (crc - 0xa282ead8) >>> 0;
  return ((turned >>> 17) | (turned << 15)) >>> 0;
}

interface ReadEvent {
  time: number;
  step: number;
  version?: string;
  session?: number;
  scalars: Record<string, number>;
}

async function eventsIn(path: string): Promise<ReadEvent[]> {
  const bytes = new Uint8Array(await readFile(path));
  const view = new DataView(bytes.buffer);
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmasked(view.getUint32(at + 8, true))).toBe(slowCrc32c(bytes.subarray(at, at + 8)));
    expect(unmasked(view.getUint32(at + 12 + length, true))).toBe(slowCrc32c(data));
    events.push(readEvent(data));
    at += 16 + length;
  }
  return events;
}

function readEvent(data: Uint8Array): ReadEvent {
  const event: ReadEvent = { time: 0, step: 0, scalars: {} };
  fields(data, (reader, field) => {
    if (field === 1) event.time = reader.double();
    else if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.version = reader.string();
    else if (field === 5) {
      fields(reader.bytes(), (summary) => {
        let tag = '';
        let value = Number.NaN;
        fields(summary.bytes(), (scalar, part) => {
          if (part === 1) tag = scalar.string();
          else value = scalar.float();
        });
        event.scalars[tag] = value;
      });
    } else if (field === 7) {
      fields(reader.bytes(), (session) => {
        event.session = session.int32();
      });
    } else throw new Error(`There is no field ${field}.`);
  });
  return event;
}

function fields(data: Uint8Array, read: (reader: BinaryReader, field: number) => void): void {
  const reader = new BinaryReader(data);
  while (reader.pos < reader.len) read(reader, reader.tag()[0]);
}

const line = (step: number) => ({
  step,
  loss: 2.5,
  learningRate: 0.25,
  logitScale: 14,
  gradientNorm: 0.5,
  skipped: 0,
  waited: 1,
  took: 500,
});

describe('crc32c', () => {
  it('gives the published values', () => {
    // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });
});

describe('event files', () => {
  it('hold a version, the scalars of each step and the held-out accuracy', async () => {
    const before = Date.now() / 1000;
    const log = openEvents(folder, 8);
    log.start(0, 2);
    log.step(line(1));
    log.step(line(2));
    await log.evaluation({ step: 2, accuracy: 0.75, better: true, predictions: [] });
    await log.stop();
    const [name, ...others] = await readdir(folder);
    expect(others).toEqual([]);
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\.promptlens\.000000000$/);
    expect(name).not.toContain(hostname());
    const [version, ...rest] = await eventsIn(join(folder, name));
    expect(version).toMatchObject({ version: 'brain.Event:2', step: 0 });
    const scalars = {
      'train/loss': 2.5,
      'train/learning_rate': 0.25,
      'train/logit_scale': 14,
      'train/gradient_norm': 0.5,
      'train/pairs_per_second': 16,
    };
    expect(rest.map(({ time: _, ...event }) => event)).toEqual([
      { step: 1, scalars },
      { step: 2, scalars },
      { step: 2, scalars: { 'held_out/accuracy': 0.75 } },
    ]);
    expect(rest[0].time).toBeGreaterThanOrEqual(before);
  });

  it('of a resumed run are another file, which takes back what a killed run told after its checkpoint', async () => {
    for (const [from, steps] of [
      [0, [1, 2, 3]],
      [2, [3, 4]],
    ] as const) {
      const log = openEvents(folder, 8);
      log.start(from, 4);
      for (const step of steps) log.step(line(step));
      await log.stop();
    }
    const names = (await readdir(folder)).sort();
    expect(names).toHaveLength(2);
    const resumed = await eventsIn(join(folder, names[1]));
    expect(resumed.map(({ step }) => step)).toEqual([0, 3, 3, 4]);
    expect(resumed[0].version).toBe('brain.Event:2');
    expect(resumed[1].session).toBe(1);
  });

  it('are none where a run is refused before it starts', async () => {
    const log = openEvents(join(folder, 'tensorboard'), 8);
    log.damaged('a.jpg cannot be decoded.');
    await log.stop();
    expect(await readdir(folder)).toEqual([]);
  });
});
