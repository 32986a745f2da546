// What export put into an encoder, taken out again: the way back from onnx/ to a network that can be trained on. Constant folding
// leaves some parameters without their names, and half precision renames all; but export keeps the order of a network's nodes, and
// so the order in which constants are read. The same network, exported here with empty weights, says which constant is which,
// and its graph how a folded one was made.

import { toFloat32 } from '../clip/safetensors.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { toModelProto } from '../onnx/model-proto.ts';
import { foldConstants, transposed } from '../onnx/precision/fold-constants.ts';
import { floatValues, graphOf, halfValues } from '../onnx/precision/tensors.ts';
import {
  TensorProto_DataType as DataType,
  type ModelProto,
  type TensorProto,
} from '../onnx/proto/onnx_pb.ts';
import { knownLengths, sizeOf } from '../onnx/shapes.ts';

type Values = Float32Array<ArrayBuffer>;

/**
 * The parameters of `graph` in its own layout, from an encoder that export made of it in fp32 or fp16. Of parameters of which
 * only the sum is left one takes all of it and the others are zero, which is the same network.
 *
 * @param fileName for messages
 * @throws a sentence where the file is another network's, or holds what training cannot go on from
 */
export function encoderWeights(model: ModelProto, graph: Graph, fileName: string): Map<string, Values> {
  const empty = new Map(
    Array.from(graph.parameters.values(), ({ name, shape }) => [name, new Float32Array(sizeOf(shape))]),
  );
  const expected = floatConstants(foldConstants(toModelProto(graph, empty)));
  const found = floatConstants(model);
  for (let i = 0; i < Math.max(expected.length, found.length); i++) {
    const [is, shouldBe] = [shapeOf(found[i]), shapeOf(expected[i])];
    if (is === shouldBe) continue;
    throw new Error(
      `${fileName} was refused: constant ${i + 1} that it reads is ${is}; export writes ${shouldBe} there for the network of config.json. Weights are read of what \`npm run -s export\` has written alone; name such a folder, or one with model.safetensors.`,
    );
  }
  const makers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map(({ name }) => [name, node] as const)),
  );
  const weights = new Map<string, Values>();

  /** Gives the parameters that a constant was folded from what folds to `values`. */
  const unfold = (name: string, values: Values): void => {
    if (graph.parameters.has(name)) {
      weights.set(name, values);
      return;
    }
    const maker = makers.get(name);
    // The graph's own constants are no parameters.
    if (!maker) return;
    const [first, second] = maker.inputs;
    if (maker.op === 'Reshape') unfold(first.name, values);
    else if (maker.op === 'Transpose') {
      const perm = maker.attributes.perm as readonly number[];
      const back = perm.map((_, axis) => perm.indexOf(axis));
      unfold(first.name, transposed(values, knownLengths(maker.outputs[0].shape), back));
    } else if (maker.op === 'Add' && graph.parameters.has(first.name)) {
      unfold(first.name, values);
      clear(second);
    } else {
      throw new Error(
        `${fileName} was refused: its convolutions have their batch norms in them, which training needs apart. Name a folder with model.safetensors.`,
      );
    }
  };
  /** Zeros for all parameters that a value is made of. */
  const clear = ({ name }: Value): void => {
    const parameter = graph.parameters.get(name);
    if (parameter) weights.set(name, new Float32Array(sizeOf(parameter.shape)));
    else for (const input of makers.get(name)?.inputs ?? []) clear(input);
  };

  for (const [i, { name }] of expected.entries()) unfold(name, valuesOf(found[i]));
  return weights;
}

/** In the order in which the nodes read them. */
function floatConstants(model: ModelProto): TensorProto[] {
  const graph = graphOf(model);
  const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const read = new Set(graph.node.flatMap(({ input }) => input));
  return [...read].flatMap((name) => {
    const tensor = constants.get(name);
    const isFloat = tensor?.dataType === DataType.FLOAT || tensor?.dataType === DataType.FLOAT16;
    return isFloat ? [tensor] : [];
  });
}

function shapeOf(tensor: TensorProto | undefined): string {
  return tensor ? `[${tensor.dims.join(', ')}]` : 'none';
}

function valuesOf(tensor: TensorProto): Values {
  return tensor.dataType === DataType.FLOAT16
    ? toFloat32({ dtype: 'F16', shape: tensor.dims.map(Number), data: halfValues(tensor) })
    : floatValues(tensor);
}
