// The safetensors format (github.com/huggingface/safetensors, "Format"): eight bytes with the header's length N, N bytes of
// JSON that give each tensor's type, shape and place, then the tensors' bytes, little-endian, without holes.
// A file comes from outside: its lengths, offsets and shapes are checked before a byte is trusted, and each refusal says in
// one sentence what was found. Tensors that are read are views into the file's bytes wherever their alignment allows it.

import * as v from 'valibot';
import { checked, parseJson, quoted } from './checked.ts';

/**
 * The typed array that holds each type; F16 and BF16 stay bits (toFloat32), as Node 20 has no array of 16-bit floats. The order
 * is the one in which the reference implementation writes tensors: no tensor follows a narrower one, so all are aligned.
 */
const ARRAYS = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  BF16: Uint16Array,
  F16: Uint16Array,
  U16: Uint16Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type Dtype = keyof typeof ARRAYS;

/** A tensor of any type; `dtype` tells which array `data` is. `[]` is the shape of a scalar. */
export type Tensor = {
  [D in Dtype]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: InstanceType<(typeof ARRAYS)[D]>;
  };
}[Dtype];

/** What is known of a tensor without its values. */
export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Where a tensor's bytes lie: [start, end) counted from the beginning of the file. */
export interface TensorPlace extends TensorInfo {
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: Map<string, TensorPlace>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A header is a table of contents, not a place for data: the largest CLIP's takes a tenth of this, and with its optimiser's state
 * half. (The reference implementation allows 100 MB, of which a reader would make gigabytes.)
 */
export const MAX_HEADER_BYTES = 2 ** 21;
/** A convolution's weights have four. */
const MAX_AXES = 8;

const DTYPES = Object.keys(ARRAYS) as Dtype[];
const LENGTH_BYTES = 8;
/** Tensors begin at a multiple of this, so that any type can be viewed in place. */
const ALIGNMENT = 8;

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Entry = v.strictObject({
  dtype: v.picklist(DTYPES),
  shape: v.pipe(v.array(size), v.maxLength(MAX_AXES)),
  data_offsets: v.strictTuple([size, size]),
});
/** v.record would pass over a tensor named "constructor" in silence. */
const Table = v.custom<Record<string, unknown>>(
  (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
  'the header is no JSON object',
);
const Metadata = v.record(v.string(), v.string());

/** Bytes from the file's beginning to the end of its header, from its first eight bytes; throws where that is no header. */
export function safetensorsHeaderEnd(head: Uint8Array, fileName: string): number {
  if (head.length < LENGTH_BYTES) {
    throw new Error(
      `${fileName} was refused: it has ${head.length} bytes, a safetensors file begins with 8 bytes of length.`,
    );
  }
  const length = new DataView(head.buffer, head.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new Error(
      `${fileName} was refused: its header claims ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed. Is it a safetensors file?`,
    );
  }
  return LENGTH_BYTES + Number(length);
}

/**
 * What a file holds and where. `bytes` is the file or only its head (at least `safetensorsHeaderEnd` bytes); `fileBytes` is
 * the length of the whole file.
 */
export function readSafetensorsHeader(
  bytes: Uint8Array,
  fileName: string,
  fileBytes = bytes.length,
): SafetensorsHeader {
  const dataStart = safetensorsHeaderEnd(bytes, fileName);
  if (dataStart > bytes.length) {
    throw new Error(
      `${fileName} was refused: its header ends at byte ${dataStart}, the file at ${fileBytes}; it looks cut off.`,
    );
  }
  const json = parseJson(bytes.subarray(LENGTH_BYTES, dataStart), fileName);
  const { __metadata__ = {}, ...entries } = checked(Table, json, fileName);
  const metadata = checked(Metadata, __metadata__, `${fileName}, __metadata__`);

  const places = Object.entries(entries).map(([name, entry]): [string, TensorPlace] => {
    const where = `${fileName}, tensor ${quoted(name)}`;
    const { dtype, shape, data_offsets } = checked(Entry, entry, where);
    const [start, end] = data_offsets;
    const needed = shape.reduce((product, side) => product * side, ARRAYS[dtype].BYTES_PER_ELEMENT);
    if (end - start !== needed) {
      throw new Error(
        `${where} was refused: ${dtype} of shape [${shape.join(', ')}] takes ${needed} bytes, its offsets ${start} to ${end} hold ${end - start}.`,
      );
    }
    return [name, { dtype, shape, start: dataStart + start, end: dataStart + end }];
  });

  places.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let at = dataStart;
  for (const [name, { start, end }] of places) {
    if (start !== at) {
      throw new Error(
        `${fileName} was refused: tensor ${quoted(name)} begins at byte ${start}, where the one before it ends at ${at}; tensors may neither overlap nor leave holes.`,
      );
    }
    at = end;
  }
  if (at !== fileBytes) {
    throw new Error(
      `${fileName} was refused: its tensors end at byte ${at}, the file at ${fileBytes}; it is cut off or carries bytes that no tensor names.`,
    );
  }
  return { tensors: new Map(places), metadata };
}

/** All tensors of a file, in the order of their bytes. */
export function readSafetensors(bytes: Uint8Array<ArrayBuffer>, fileName: string): Map<string, Tensor> {
  const { tensors } = readSafetensorsHeader(bytes, fileName);
  return new Map(
    Array.from(tensors, ([name, place]) => [name, readTensor(bytes.subarray(place.start, place.end), place)]),
  );
}

/** One tensor from its own bytes, which must lie as `place` says (for readers that fetch a range of a file). */
export function readTensor(bytes: Uint8Array<ArrayBuffer>, { dtype, shape }: TensorInfo): Tensor {
  const array = ARRAYS[dtype];
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const data = new array(aligned.buffer, aligned.byteOffset, bytes.length / array.BYTES_PER_ELEMENT);
  return { dtype, shape, data } as Tensor;
}

/** A whole file, byte for byte as the reference implementation writes it. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const { head, order, bytes } = safetensorsHead(tensors, metadata);
  const file = new Uint8Array(bytes);
  file.set(head);
  let at = head.length;
  for (const name of order) {
    const data = bytesOf(name, tensors.get(name));
    file.set(data, at);
    at += data.length;
  }
  return file;
}

/** The same piece by piece, for files that memory should not hold whole: `read` gives each tensor when its turn has come. */
export async function* streamSafetensors(
  infos: ReadonlyMap<string, TensorInfo>,
  read: (name: string) => Promise<Tensor>,
  metadata?: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const { head, order } = safetensorsHead(infos, metadata);
  yield head;
  for (const name of order) {
    const tensor = await read(name);
    const told = infos.get(name);
    if (tensor.dtype !== told?.dtype)
      throw new Error(`The tensor ${name} is ${tensor.dtype}, not ${told?.dtype}.`);
    yield bytesOf(name, { ...tensor, shape: told.shape } as Tensor);
  }
}

function bytesOf(name: string, tensor: Tensor | undefined): Uint8Array<ArrayBuffer> {
  if (!tensor || elementsOf(tensor.shape) !== tensor.data.length) {
    throw new Error(
      `The tensor ${JSON.stringify(name)} cannot be written: shape [${tensor?.shape.join(', ')}], ${tensor?.data.length} elements.`,
    );
  }
  const { buffer, byteOffset, byteLength } = tensor.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const elementsOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/** What stands before the tensors, and the order in which they follow. */
function safetensorsHead(
  tensors: ReadonlyMap<string, TensorInfo>,
  metadata?: Readonly<Record<string, string>>,
): { head: Uint8Array<ArrayBuffer>; order: string[]; bytes: number } {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => DTYPES.indexOf(x.dtype) - DTYPES.indexOf(y.dtype) || (a < b ? -1 : 1),
  );
  const header: [string, unknown][] = metadata ? [['__metadata__', metadata]] : [];
  let end = 0;
  for (const [name, { dtype, shape }] of ordered) {
    if (name === '__metadata__')
      throw new Error('The tensor "__metadata__" cannot be written: so the file\'s own words are named.');
    const start = end;
    end += elementsOf(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT;
    header.push([name, { dtype, shape, data_offsets: [start, end] }]);
  }
  // fromEntries defines its keys, so that a tensor named __proto__ is a key like any other.
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const head = new Uint8Array(LENGTH_BYTES + headerBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(json, LENGTH_BYTES);
  return { head, order: ordered.map(([name]) => name), bytes: head.length + end };
}

const FLOATS: readonly Dtype[] = ['F64', 'F32', 'F16', 'BF16'];

/** Whether toFloat32 takes tensors of this type. */
export const isFloat = (dtype: Dtype): boolean => FLOATS.includes(dtype);

/** A floating-point tensor's values; throws where the tensor is none. F32 data is not copied. */
export function toFloat32({ dtype, data }: Tensor): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case 'F32':
      return data;
    case 'F64':
      return Float32Array.from(data);
    case 'F16':
      return halvesToFloats(data);
    case 'BF16': {
      const bits = Uint32Array.from(data, (half) => half << 16);
      return new Float32Array(bits.buffer);
    }
    case 'I64':
    case 'I32':
    case 'I16':
    case 'I8':
    case 'U64':
    case 'U32':
    case 'U16':
    case 'U8':
    case 'BOOL':
      throw new Error(`A tensor of ${dtype} was found where floating-point weights were expected.`);
    default:
      return dtype satisfies never;
  }
}

let halves: Float32Array | null = null;

/** By a table of all 65,536: the arithmetic for each would take a large model minutes. */
function halvesToFloats(data: Uint16Array): Float32Array<ArrayBuffer> {
  halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => halfToNumber(bits));
  const floats = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) floats[i] = halves[data[i]];
  return floats;
}

/** IEEE 754 binary16: one sign bit, five of exponent (bias 15), ten of mantissa. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}
