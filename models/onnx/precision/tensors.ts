// Constants of a model as typed arrays and back. A model's floats are float32 here, what the networks are made of and the
// precisions are made from; float16 stays bits.

import { create } from '@bufbuild/protobuf';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../proto/onnx_pb.ts';
import { ONNX_RUNTIME } from '../runtime-operators.ts';

export function graphOf(model: ModelProto): GraphProto {
  if (!model.graph) throw new Error('The ONNX model has no graph.');
  return model.graph;
}

/** The same model with other nodes and constants; constants that no node reads are left out. */
export function withGraph(
  model: ModelProto,
  node: NodeProto[],
  initializer: readonly TensorProto[],
): ModelProto {
  const graph = graphOf(model);
  const read = new Set([...node.flatMap(({ input }) => input), ...graph.output.map(({ name }) => name)]);
  const kept = initializer.filter(({ name }) => read.has(name));
  return { ...model, graph: { ...graph, node, initializer: kept } };
}

/** The same model, which says that it has operators of ONNX Runtime's own. */
export function withRuntimeOperators(model: ModelProto): ModelProto {
  const { domain, version } = ONNX_RUNTIME;
  const own = create(OperatorSetIdProtoSchema, { domain, version });
  return { ...model, opsetImport: [...model.opsetImport, own] };
}

/** A smaller constant saves fewer bytes than its own nodes cost time. */
const MIN_ELEMENTS = 4096;

/** Whether a constant is a matrix of floats that is worth being stored in fewer bits. */
export function isLargeMatrix({ dataType, dims }: TensorProto): boolean {
  return dataType === DataType.FLOAT && dims.length === 2 && dims[0] * dims[1] >= MIN_ELEMENTS;
}

/** A constant's values, not copied where their place in memory allows it. */
export function floatValues(tensor: TensorProto): Float32Array<ArrayBuffer> {
  expectType(tensor, DataType.FLOAT);
  if (tensor.floatData.length > 0) return Float32Array.from(tensor.floatData);
  const bytes = aligned(tensor.rawData, 4);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

export function halfValues(tensor: TensorProto): Uint16Array<ArrayBuffer> {
  expectType(tensor, DataType.FLOAT16);
  if (tensor.int32Data.length > 0) return Uint16Array.from(tensor.int32Data);
  const bytes = aligned(tensor.rawData, 2);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

export function integerValues(tensor: TensorProto): number[] {
  expectType(tensor, DataType.INT64);
  if (tensor.int64Data.length > 0) return tensor.int64Data.map(Number);
  const bytes = aligned(tensor.rawData, 8);
  return Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8), Number);
}

type Values =
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>;

export function constant(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  data: Values,
): TensorProto {
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData: bytesOf(data) });
}

/** A constant of which so far only type and shape are known: a large model's values do not fit into memory together. */
export interface DeferredTensor extends TensorProto {
  readonly read: () => Promise<Uint8Array<ArrayBuffer>>;
}

export function deferred(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  read: () => Promise<Values>,
): DeferredTensor {
  const tensor = create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt) });
  return { ...tensor, dataLocation: DataLocation.EXTERNAL, read: async () => bytesOf(await read()) };
}

export function isDeferred(tensor: TensorProto): tensor is DeferredTensor {
  return 'read' in tensor;
}

/** A constant that is made of others, float32 all: at once, or when it is read where one of them is deferred. */
export function derived(
  name: string,
  dataType: DataType,
  dims: readonly number[],
  sources: readonly TensorProto[],
  compute: (...values: Float32Array<ArrayBuffer>[]) => Values,
): TensorProto {
  const [made] = derivedTogether([{ name, dataType, dims }], sources, (...values) => [compute(...values)]);
  return made;
}

interface ConstantType {
  readonly name: string;
  readonly dataType: DataType;
  readonly dims: readonly number[];
}

/** Several that one computation makes. Where they are deferred, the first that is read keeps the others until they are read too. */
export function derivedTogether(
  types: readonly ConstantType[],
  sources: readonly TensorProto[],
  compute: (...values: Float32Array<ArrayBuffer>[]) => readonly Values[],
): TensorProto[] {
  if (!sources.some(isDeferred)) {
    const made = compute(...sources.map(floatValues));
    return types.map(({ name, dataType, dims }, i) => constant(name, dataType, dims, made[i]));
  }
  const kept = new Map<string, Values>();
  return types.map(({ name, dataType, dims }) =>
    deferred(name, dataType, dims, async () => {
      if (!kept.has(name)) {
        const made = compute(...(await valuesOf(sources)));
        for (const [i, type] of types.entries()) kept.set(type.name, made[i]);
      }
      const values = kept.get(name);
      if (values === undefined) throw new Error(`The constant ${name} was not made.`);
      kept.delete(name);
      return values;
    }),
  );
}

async function valuesOf(sources: readonly TensorProto[]): Promise<Float32Array<ArrayBuffer>[]> {
  const values: Float32Array<ArrayBuffer>[] = [];
  for (const source of sources) {
    if (!isDeferred(source)) values.push(floatValues(source));
    else {
      const bytes = await source.read();
      values.push(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
    }
  }
  return values;
}

function bytesOf({ buffer, byteOffset, byteLength }: Values): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function expectType(tensor: TensorProto, type: DataType): void {
  if (tensor.dataLocation === DataLocation.EXTERNAL) {
    throw new Error(`The constant ${tensor.name} lies in a file of its own; read it into the model first.`);
  }
  if (tensor.dataType !== type) {
    throw new Error(`The constant ${tensor.name} has ONNX type ${tensor.dataType}; ${type} was expected.`);
  }
}

function aligned(bytes: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = bytes;
  return buffer instanceof ArrayBuffer && byteOffset % width === 0
    ? new Uint8Array(buffer, byteOffset, length)
    : bytes.slice();
}
