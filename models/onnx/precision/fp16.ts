// Half precision: weights and arithmetic in float16, inputs and outputs in float32 as in every other precision. What decides an
// index or a comparison (the place of the end of a text) keeps float32 with all that leads to it, for a half holds no token id
// above 2,048. Norms need no exception: LayerNormalization's stash_type makes a runtime take mean and variance in float32.
// WebGPU runs it with shader-f16; on a CPU ONNX Runtime widens it to float32 again.

import {
  TensorProto_DataType as DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../proto/onnx_pb.ts';
import { ONNX_RUNTIME } from '../runtime-operators.ts';
import { toHalf } from './half.ts';
import { intAttribute, nodeProto } from './nodes.ts';
import { derived, graphOf, withGraph } from './tensors.ts';

/** What each operator of our networks gives: its first operand's type, an integer or boolean, or what its attribute names. */
const RESULTS: Readonly<Record<string, 'first' | 'discrete' | 'to'>> = {
  Add: 'first',
  ArgMax: 'discrete',
  AveragePool: 'first',
  Cast: 'to',
  Concat: 'first',
  Conv: 'first',
  Div: 'first',
  Equal: 'discrete',
  Erf: 'first',
  Exp: 'first',
  Gather: 'first',
  Gemm: 'first',
  Identity: 'first',
  LayerNormalization: 'first',
  MatMul: 'first',
  MatMulNBits: 'first',
  Mul: 'first',
  Neg: 'first',
  Pad: 'first',
  ReduceMean: 'first',
  ReduceSum: 'first',
  Relu: 'first',
  Reshape: 'first',
  Shape: 'discrete',
  Sigmoid: 'first',
  Slice: 'first',
  Softmax: 'first',
  Sqrt: 'first',
  Sub: 'first',
  Transpose: 'first',
};

/** The same network in float16; throws where it has an operator whose result's type is not known here. */
export function toFp16(model: ModelProto): ModelProto {
  const graph = graphOf(model);
  const floats = floatNames(model);
  const exact = exactNames(graph.node, floats);
  const outputs = new Set(graph.output.map(({ name }) => name));
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const nodes: NodeProto[] = [];
  /** Where each float32 value, by its name, lies in either type. */
  const inHalf = new Map<string, string>();
  const inFloat = new Map([...floats].map((name) => [name, name]));

  const cast = (from: string, to: string, type: DataType) => {
    nodes.push(nodeProto('Cast', [from], [to], { to: type }));
  };
  const asFloat = (name: string) => {
    const known = inFloat.get(name);
    if (known) return known;
    const float = `${name}_fp32`;
    cast(name, float, DataType.FLOAT);
    inFloat.set(name, float);
    return float;
  };
  const asHalf = (name: string) => {
    const known = inHalf.get(name);
    if (known) return known;
    const half = `${name}_fp16`;
    const tensor = constants.get(name);
    if (tensor) constants.set(half, halfTensor(tensor, half));
    else cast(name, half, DataType.FLOAT16);
    inHalf.set(name, half);
    return half;
  };

  for (const node of graph.node) {
    const convert = node.output.every((name) => floats.has(name) && !exact.has(name));
    const place = convert ? asHalf : asFloat;
    const input = node.input.map((name) => (floats.has(name) ? place(name) : name));
    if (!convert) {
      nodes.push({ ...node, input });
      continue;
    }
    const output = node.output.map((name) => (outputs.has(name) ? `${name}_fp16` : name));
    nodes.push(
      node.opType === 'Cast'
        ? nodeProto('Cast', input, output, { to: DataType.FLOAT16 })
        : { ...node, name: output[0], input, output },
    );
    for (const [i, name] of node.output.entries()) {
      inHalf.set(name, output[i]);
      if (outputs.has(name)) cast(output[i], name, DataType.FLOAT);
      else inFloat.delete(name);
    }
  }
  return withGraph(model, nodes, [...constants.values()]);
}

function halfTensor(tensor: TensorProto, name: string): TensorProto {
  return derived(name, DataType.FLOAT16, tensor.dims.map(Number), [tensor], toHalf);
}

/** Every float32 value of a graph. */
function floatNames(model: ModelProto): Set<string> {
  const graph = graphOf(model);
  const floats = new Set<string>();
  for (const { name, type } of graph.input) {
    if (type?.value.case === 'tensorType' && type.value.value.elemType === DataType.FLOAT) floats.add(name);
  }
  for (const { name, dataType } of graph.initializer) if (dataType === DataType.FLOAT) floats.add(name);
  for (const node of graph.node) {
    if (isFloatResult(node, floats)) for (const name of node.output) floats.add(name);
  }
  return floats;
}

function isFloatResult(node: NodeProto, floats: ReadonlySet<string>): boolean {
  const isKnown = node.domain === '' || node.domain === ONNX_RUNTIME.domain;
  const result = isKnown ? RESULTS[node.opType] : undefined;
  switch (result) {
    case 'first':
      return floats.has(node.input[0]);
    case 'to':
      return intAttribute(node, 'to', 0) === DataType.FLOAT;
    case 'discrete':
      return false;
    case undefined: {
      const domain = node.domain && `${node.domain}.`;
      throw new Error(
        `The operator ${domain}${node.opType} (${node.name}) cannot be put into fp16, because the type of its result is not known. Leave fp16 and q4f16 out of --precision.`,
      );
    }
    default:
      return result satisfies never;
  }
}

/** Float values that an integer or boolean is made from. Shape looks at no values. */
function exactNames(nodes: readonly NodeProto[], floats: ReadonlySet<string>): Set<string> {
  const exact = new Set<string>();
  for (const node of nodes.toReversed()) {
    const decides = node.opType !== 'Shape' && node.output.some((name) => !floats.has(name));
    if (!decides && !node.output.some((name) => exact.has(name))) continue;
    for (const name of node.input) if (floats.has(name)) exact.add(name);
  }
  return exact;
}
