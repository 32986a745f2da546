// An ONNX model as bytes, constant by constant, so that one whose constants are deferred never stands in memory whole. A message of
// protobuf is its fields one behind the other, in any order, and one that is repeated stands there again and again: the graph is
// written without its constants, and they follow. Beyond the two gigabytes that protobuf allows, constants go into a file beside the
// graph (ONNX, docs/ExternalData.md).

import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { graphOf, isDeferred } from './precision/tensors.ts';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './proto/onnx_pb.ts';

/** Numbers of fields in onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data. */
const [GRAPH, INITIALIZER, RAW_DATA] = [7, 5, 9];
/** protobuf's own limit of a message. */
const MOST_BYTES = 2 ** 31 - 1;
/** Smaller constants stay in the graph, where shapes are looked for. */
const LEAST_OUTSIDE = 1024;
/** Constants of a file of their own begin at a multiple of this, so that it can be mapped into memory. */
const PAGE = 4096;

const BYTES: Partial<Record<DataType, number>> = {
  [DataType.FLOAT]: 4,
  [DataType.FLOAT16]: 2,
  [DataType.INT8]: 1,
  [DataType.UINT8]: 1,
  [DataType.INT32]: 4,
  [DataType.INT64]: 8,
};

type Bytes = AsyncGenerator<Uint8Array>;

export interface StreamedModel {
  readonly graph: Bytes;
  /** Of the file beside it; null where the graph holds all. */
  readonly data: Bytes | null;
}

/**
 * @param dataFile name of the file beside the graph, for a model that needs one
 * @param limit bytes up to which it needs none
 */
export function streamModel(model: ModelProto, dataFile: string, limit = MOST_BYTES): StreamedModel {
  const constants = graphOf(model).initializer;
  const bare = { ...graphOf(model), initializer: [] };
  const inside = bytesOfModel(model, bare, constants);
  if (inside.bytes <= limit) return { graph: inside.write(), data: null };
  const outside = constants.filter((tensor) => lengthOf(tensor) >= LEAST_OUTSIDE);
  const places = new Map<TensorProto, number>();
  let end = 0;
  for (const tensor of outside) {
    const offset = Math.ceil(end / PAGE) * PAGE;
    places.set(tensor, offset);
    end = offset + lengthOf(tensor);
  }
  const referring = constants.map((tensor) => {
    const offset = places.get(tensor);
    return offset === undefined ? tensor : reference(tensor, dataFile, offset);
  });
  return { graph: bytesOfModel(model, bare, referring).write(), data: bytesOfData(places) };
}

async function* bytesOfData(places: ReadonlyMap<TensorProto, number>): Bytes {
  let at = 0;
  for (const [tensor, offset] of places) {
    if (offset > at) yield new Uint8Array(offset - at);
    const content = await contentOf(tensor);
    yield content;
    at = offset + content.length;
  }
}

function reference(tensor: TensorProto, location: string, offset: number): TensorProto {
  const { name, dataType, dims } = tensor;
  const entries = { location, offset, length: lengthOf(tensor) };
  return create(TensorProtoSchema, {
    name,
    dataType,
    dims,
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) }),
    ),
  });
}

function bytesOfModel(
  model: ModelProto,
  bare: NonNullable<ModelProto['graph']>,
  constants: readonly TensorProto[],
): { bytes: number; write(): Bytes } {
  const head = toBinary(ModelProtoSchema, { ...model, graph: undefined });
  const graph = toBinary(GraphProtoSchema, bare);
  const heads = constants.map(headOf);
  const size = constants.reduce((sum, tensor, i) => sum + heads[i].length + insideOf(tensor), graph.length);
  const opening = field(GRAPH, size);
  return {
    bytes: head.length + opening.length + size,
    async *write() {
      yield head;
      yield opening;
      yield graph;
      for (const [i, tensor] of constants.entries()) {
        yield heads[i];
        if (insideOf(tensor) > 0) yield await contentOf(tensor);
      }
    },
  };
}

/** All of a constant's field but its values, which follow. */
function headOf(tensor: TensorProto): Uint8Array {
  const values = insideOf(tensor);
  const { name, dataType, dims } = tensor;
  const message = toBinary(
    TensorProtoSchema,
    values > 0 ? create(TensorProtoSchema, { name, dataType, dims }) : tensor,
  );
  const raw = values > 0 ? field(RAW_DATA, values) : new Uint8Array();
  return concatenated([field(INITIALIZER, message.length + raw.length + values), message, raw]);
}

/** What stands before `length` bytes of a field. A length beyond 32 bits is never written, but it is measured. */
function field(number: number, length: number): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).uint64(length).finish();
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes of values that follow a constant's head; none of what lies outside, or in fields of its own. */
function insideOf(tensor: TensorProto): number {
  return isDeferred(tensor) || tensor.rawData.length > 0 ? lengthOf(tensor) : 0;
}

function lengthOf(tensor: TensorProto): number {
  if (!isDeferred(tensor)) return tensor.rawData.length;
  const width = BYTES[tensor.dataType as DataType];
  if (width === undefined) throw new Error(`The constant ${tensor.name} has ONNX type ${tensor.dataType}.`);
  return tensor.dims.reduce((product, side) => product * Number(side), width);
}

async function contentOf(tensor: TensorProto): Promise<Uint8Array> {
  const content = isDeferred(tensor) ? await tensor.read() : tensor.rawData;
  if (content.length === lengthOf(tensor)) return content;
  throw new Error(
    `The constant ${tensor.name} has ${content.length} bytes; its shape [${tensor.dims.join(', ')}] takes ${lengthOf(tensor)}.`,
  );
}
