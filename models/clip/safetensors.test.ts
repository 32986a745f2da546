// fixtures/tensors.safetensors was written by the reference implementation: models/clip/fixtures/make-safetensors.py

import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Dtype,
  MAX_HEADER_BYTES,
  readSafetensors,
  readSafetensorsHeader,
  readTensor,
  safetensorsHeaderEnd,
  type Tensor,
  toFloat32,
  writeSafetensors,
} from './safetensors.ts';

const fixture = new Uint8Array(await readFile(new URL('fixtures/tensors.safetensors', import.meta.url)));

/** A file with this header and this many bytes behind it. */
function file(header: unknown, dataBytes = 0): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const f32 = (shape: number[], start: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [start, end],
});

describe("the reference implementation's file", () => {
  const tensors = readSafetensors(fixture, 'tensors.safetensors');

  test('is read', () => {
    expect(tensors.get('scalar')).toEqual({ dtype: 'F32', shape: [], data: Float32Array.of(2.6592) });
    expect(tensors.get('matrix')).toEqual({
      dtype: 'F32',
      shape: [2, 3],
      data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25),
    });
    expect(tensors.get('double')?.data).toEqual(Float64Array.of(Math.PI));
    expect(tensors.get('ids')).toEqual({
      dtype: 'I64',
      shape: [2, 2],
      data: BigInt64Array.of(0n, -1n, 2n ** 62n, 7n),
    });
    expect(tensors.get('counts')?.data).toEqual(Int32Array.of(3, 2 ** 31 - 1));
    expect(tensors.get('bytes')?.data).toEqual(Uint8Array.of(0, 127, 255));
    expect(tensors.get('signed')?.data).toEqual(Int8Array.of(-128, 127));
    expect(tensors.get('mask')).toEqual({ dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) });
    expect(tensors.get('none')).toEqual({ dtype: 'F32', shape: [0, 4], data: new Float32Array() });
    expect(tensors.get('Umlaut ä')?.data).toEqual(Uint16Array.of(1));
    expect(tensors.size).toBe(12);
  });

  test('is written byte for byte', () => {
    expect(writeSafetensors(new Map([...tensors].reverse()), { format: 'pt' })).toEqual(fixture);
  });

  test('tells its header without its data', () => {
    const end = safetensorsHeaderEnd(fixture.subarray(0, 8), 'tensors.safetensors');
    const header = readSafetensorsHeader(fixture.subarray(0, end), 'tensors.safetensors', fixture.length);
    expect(header.metadata).toEqual({ format: 'pt' });
    const place = header.tensors.get('scalar');
    expect(place).toMatchObject({ dtype: 'F32', shape: [], start: end + 64, end: end + 68 });
    if (place) {
      expect(readTensor(fixture.slice(place.start, place.end), place)).toEqual(tensors.get('scalar'));
    }
  });

  test('gives 16-bit floats as numbers', () => {
    const values = (name: string) => {
      const tensor = tensors.get(name);
      return tensor ? [...toFloat32(tensor)] : [];
    };
    expect(values('half')).toEqual([1, -2.5, 65504, 2 ** -24, -0, Number.POSITIVE_INFINITY]);
    expect(values('brain')).toEqual([1, -3.140625]);
    expect(values('double')).toEqual([Math.fround(Math.PI)]);
    expect(() => values('ids')).toThrow(
      'A tensor of I64 was found where floating-point weights were expected.',
    );
  });

  test('is read the same from any alignment', () => {
    const shifted = new Uint8Array(fixture.length + 3).subarray(3);
    shifted.set(fixture);
    expect(readSafetensors(shifted, 'tensors.safetensors')).toEqual(tensors);
  });
});

describe('hostile files are refused with a sentence', () => {
  const truncated = fixture.slice(0, -1);
  const longer = new Uint8Array(fixture.length + 1);
  longer.set(fixture);
  const claims = (length: bigint) => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['empty', new Uint8Array(), /has 0 bytes/],
    ['seven bytes', new Uint8Array(7), /has 7 bytes/],
    [
      'header beyond the limit',
      claims(BigInt(MAX_HEADER_BYTES) + 1n),
      /claims 2097153 bytes, at most 2097152/,
    ],
    ['header of 2^64 - 1', claims(2n ** 64n - 1n), /claims 18446744073709551615 bytes/],
    ['header beyond the file', claims(9n), /header ends at byte 17, the file at 16/],
    ['no JSON', file('{"a":'), /is not JSON/],
    ['brackets in brackets', file('['.repeat(1e6)), /its JSON is more than 64 deep/],
    ['values beyond counting', file(`[${'0,'.repeat(6e5)}0]`), /holds more than 524288 values/],
    ['a list', file('[]'), /refused/],
    ['null', file('null'), /refused/],
    ['unknown type', file({ a: { dtype: 'F4', shape: [2], data_offsets: [0, 1] } }, 1), /tensor "a".*dtype/],
    ['an entry that is no object', file({ a: 3 }), /tensor "a"/],
    ['a negative side', file({ a: f32([-1, -1], 0, 4) }, 4), /shape/],
    ['a hundred sides', file({ a: f32(new Array(100).fill(1), 0, 4) }, 4), /shape: .*<=8/],
    ['half a side', file({ a: f32([0.5, 2], 0, 4) }, 4), /shape/],
    ['a side beyond integers', file({ a: f32([2 ** 60], 0, 4) }, 4), /shape/],
    [
      'a size beyond integers',
      file({ a: f32([2 ** 50, 2 ** 50], 0, 4) }, 4),
      /takes .* bytes, its offsets 0 to 4 hold 4/,
    ],
    [
      'too few bytes for the shape',
      file({ a: f32([2], 0, 4) }, 4),
      /F32 of shape \[2\] takes 8 bytes, .* hold 4/,
    ],
    ['end before start', file({ a: f32([0], 4, 0) }, 4), /hold -4/],
    ['three offsets', file({ a: { ...f32([1], 0, 4), data_offsets: [0, 4, 8] } }, 8), /data_offsets/],
    [
      'an overlap',
      file({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8),
      /"b" begins at byte .* neither overlap/,
    ],
    ['a hole', file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /"b" begins at byte .* leave holes/],
    ['data that begin late', file({ a: f32([1], 4, 8) }, 8), /"a" begins at byte/],
    ['data beyond the file', file({ a: f32([4], 0, 16) }, 8), /tensors end at byte/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), /__metadata__/],
    ['one byte short', truncated, /it is cut off/],
    ['one byte more', longer, /carries bytes that no tensor names/],
    [
      "a tensor called constructor that has another's bytes",
      file({ constructor: 1 }),
      /tensor "constructor"/,
    ],
  ])('%s', (_, bytes, reason) => {
    expect(() => readSafetensors(bytes, 'model.safetensors')).toThrow(reason);
    expect(() => readSafetensors(bytes, 'model.safetensors')).toThrow(/^model\.safetensors.* was refused: /);
  });

  test('any damage to a header gives tensors inside the file or a refusal', () => {
    const end = safetensorsHeaderEnd(fixture, 'x');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(end - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (damage) => {
          const bytes = fixture.slice();
          for (const [at, byte] of damage) bytes[at] = byte;
          let tensors: Map<string, Tensor>;
          try {
            tensors = readSafetensors(bytes, 'model.safetensors');
          } catch (error) {
            expect(String(error)).toMatch(/^Error: model\.safetensors.* was refused: /);
            return;
          }
          let total = 0;
          for (const { data } of tensors.values()) total += data.byteLength;
          expect(total).toBe(fixture.length - safetensorsHeaderEnd(bytes, 'x'));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('writeSafetensors', () => {
  const bytesPerElement: Record<Dtype, number> = {
    U64: 8,
    I64: 8,
    F64: 8,
    F32: 4,
    U32: 4,
    I32: 4,
    BF16: 2,
    F16: 2,
    U16: 2,
    I16: 2,
    I8: 1,
    U8: 1,
    BOOL: 1,
  };
  const tensor = fc
    .record({
      dtype: fc.constantFrom(...(Object.keys(bytesPerElement) as Dtype[])),
      shape: fc.array(fc.nat(5), { maxLength: 3 }),
      seed: fc.nat(255),
    })
    .map(({ dtype, shape, seed }) => {
      const elements = shape.reduce((product, side) => product * side, 1);
      const bytes = new Uint8Array(elements * bytesPerElement[dtype]).map((_, index) => seed + 31 * index);
      return readTensor(bytes, { dtype, shape });
    });

  test('is undone by readSafetensors, every tensor aligned to its type', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), tensor), (dictionary) => {
        const tensors = new Map(Object.entries(dictionary));
        const bytes = writeSafetensors(tensors);
        const { tensors: places } = readSafetensorsHeader(bytes, 'x');
        for (const { dtype, start } of places.values()) expect(start % bytesPerElement[dtype]).toBe(0);
        const read = readSafetensors(bytes, 'x');
        expect(read.size).toBe(tensors.size);
        for (const [name, { dtype, shape, data }] of tensors) {
          const found = read.get(name);
          expect(found).toMatchObject({ dtype, shape });
          expect(
            found && new Uint8Array(found.data.buffer, found.data.byteOffset, found.data.byteLength),
          ).toEqual(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        }
      }),
    );
  });

  test('takes no tensor whose shape is not its size, nor one with the name of the metadata', () => {
    const short: Tensor = { dtype: 'F32', shape: [3], data: new Float32Array(2) };
    expect(() => writeSafetensors(new Map([['w', short]]))).toThrow(
      '"w" cannot be written: shape [3], 2 elements.',
    );
    const named: Tensor = { dtype: 'F32', shape: [], data: new Float32Array(1) };
    expect(() => writeSafetensors(new Map([['__metadata__', named]]))).toThrow('cannot be written');
  });
});
