// A graph as an ONNX model. Parameters become initializers where their values are given, and inputs where not: the first makes
// an encoder to ship, the second a training step.

import { create, toBinary } from '@bufbuild/protobuf';
import type { Attribute, Graph, Value } from './graph.ts';
import { ONNX_TYPES, OPSET } from './operators.ts';
import { deferred } from './precision/tensors.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './proto/onnx_pb.ts';
import { RUNTIME_OPERATORS } from './runtime-operators.ts';
import { sizeOf } from './shapes.ts';

/** ONNX 1.15, the release of opset 20. */
const IR_VERSION = 9n;

/** A parameter's values, or how they are had when they are written. */
export type WeightSource = Float32Array<ArrayBuffer> | (() => Promise<Float32Array<ArrayBuffer>>);

/**
 * @param weights parameter values in the graph's layout; without them parameters are inputs
 * @throws where a value is missing or has the wrong length
 */
export function toModelProto(graph: Graph, weights?: ReadonlyMap<string, WeightSource>): ModelProto {
  const parameters = [...graph.parameters.values()];
  const initializers = [...graph.constants.values()].map((constant) => tensorProto(constant, constant.data));
  if (weights) {
    for (const parameter of parameters) {
      const values = weights.get(parameter.name);
      if (typeof values === 'function') {
        initializers.push(deferred(parameter.name, DataType.FLOAT, parameter.shape, values));
        continue;
      }
      const expected = sizeOf(parameter.shape);
      if (values?.length !== expected) {
        throw new Error(
          `The weights hold ${values ? `${values.length} values` : 'nothing'} for ${parameter.name}; the network needs ${expected}, in the shape [${parameter.shape.join(', ')}].`,
        );
      }
      initializers.push(tensorProto(parameter, values));
    }
  }
  const inputs = weights ? graph.inputs : [...graph.inputs, ...parameters];
  return create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'promptlens',
    opsetImport: operatorSets(graph),
    graph: {
      name: 'clip',
      node: graph.nodes.map(({ op, inputs: operands, outputs, attributes }) => {
        const { domain, opType = op } = RUNTIME_OPERATORS.get(op) ?? { domain: '' };
        return create(NodeProtoSchema, {
          opType,
          domain,
          name: outputs[0].name,
          input: operands.map(({ name }) => name),
          output: outputs.map(({ name }) => name),
          attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
        });
      }),
      initializer: initializers,
      input: inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
    },
  });
}

/** The standard's, and those of the runtime that the graph uses. */
function operatorSets({ nodes }: Graph) {
  const versions = new Map([['', BigInt(OPSET)]]);
  for (const { op } of nodes) {
    const own = RUNTIME_OPERATORS.get(op);
    if (own) versions.set(own.domain, own.version);
  }
  return Array.from(versions, ([domain, version]) => ({ domain, version }));
}

/** The bytes of an .onnx file. */
export function toModel(
  graph: Graph,
  weights?: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): Uint8Array<ArrayBuffer> {
  return toBinary(ModelProtoSchema, toModelProto(graph, weights));
}

function tensorProto({ name, type, shape }: Value, data: Float32Array | BigInt64Array): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: ONNX_TYPES[type],
    dims: shape.map(BigInt),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

/** An input or output as ONNX declares it. */
export function valueInfo({ name, type, shape }: Value): ValueInfoProto {
  const dim = shape.map((length) => ({
    value:
      typeof length === 'number'
        ? ({ case: 'dimValue', value: BigInt(length) } as const)
        : ({ case: 'dimParam', value: length } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ONNX_TYPES[type], shape: { dim } } } },
  });
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if ('float' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}
