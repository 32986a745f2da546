// Both encoders as the one graph that transformers.js' zero-shot pipeline reads (`onnx/model<suffix>.onnx`), with the inputs and
// outputs of Hugging Face's own exports: vectors are normalised here, and similarities carry the trained scale. It is put
// together from encoders that already have their precision; what is added is little, and stays in float32.

import type { Value } from '../onnx/graph.ts';
import { valueInfo } from '../onnx/model-proto.ts';
import { nodeProto } from '../onnx/precision/nodes.ts';
import { constant, graphOf } from '../onnx/precision/tensors.ts';
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  type ModelProto,
  type ValueInfoProto,
} from '../onnx/proto/onnx_pb.ts';

/** What ONNX Runtime calls the lengths that it learns when the graph runs. */
const IMAGES = 'image_batch_size';
const TEXTS = 'text_batch_size';
const SEQUENCE = 'sequence_length';

/**
 * pixel_values, input_ids and attention_mask → logits_per_image [images, texts], logits_per_text, text_embeds, image_embeds.
 * The mask is there for callers that send it, and is not read: nothing before a text's end sees what comes after it.
 *
 * @param vision pixel_values → image_embeds
 * @param text input_ids → text_embeds
 * @param logitScale what a cosine is multiplied by (the exponential of the trained logarithm)
 */
export function combinedModel(vision: ModelProto, text: ModelProto, logitScale: number): ModelProto {
  const images = prefixed(graphOf(vision), 'vision.', 'pixel_values');
  const texts = prefixed(graphOf(text), 'text.', 'input_ids');
  const [, channels, height, width] = dimsOf(graphOf(vision).input[0]);
  const [, dim] = dimsOf(graphOf(vision).output[0]);

  const node = [
    ...images.node,
    ...texts.node,
    nodeProto('ReduceL2', ['vision.image_embeds', 'last_axis'], ['image_lengths'], { keepdims: 1 }),
    nodeProto('Div', ['vision.image_embeds', 'image_lengths'], ['image_embeds']),
    nodeProto('ReduceL2', ['text.text_embeds', 'last_axis'], ['text_lengths'], { keepdims: 1 }),
    nodeProto('Div', ['text.text_embeds', 'text_lengths'], ['text_embeds']),
    nodeProto('Mul', ['text_embeds', 'logit_scale'], ['scaled_text_embeds']),
    nodeProto('Transpose', ['image_embeds'], ['image_columns']),
    nodeProto('MatMul', ['scaled_text_embeds', 'image_columns'], ['logits_per_text']),
    nodeProto('Transpose', ['logits_per_text'], ['logits_per_image']),
  ];
  const initializer = [
    ...images.initializer,
    ...texts.initializer,
    constant('last_axis', DataType.INT64, [1], BigInt64Array.of(-1n)),
    constant('logit_scale', DataType.FLOAT, [], Float32Array.of(logitScale)),
  ];
  const ids = (name: string): Value => ({ name, type: 'int64', shape: [TEXTS, SEQUENCE] });
  const floats = (name: string, shape: Value['shape']): Value => ({ name, type: 'float32', shape });
  const input = [
    ids('input_ids'),
    floats('pixel_values', [IMAGES, channels, height, width]),
    ids('attention_mask'),
  ];
  const output = [
    floats('logits_per_image', [IMAGES, TEXTS]),
    floats('logits_per_text', [TEXTS, IMAGES]),
    floats('text_embeds', [TEXTS, dim]),
    floats('image_embeds', [IMAGES, dim]),
  ];
  return {
    ...vision,
    graph: {
      ...graphOf(vision),
      node,
      initializer,
      input: input.map(valueInfo),
      output: output.map(valueInfo),
    },
  };
}

/** A graph's nodes and constants, with every name but its input's made its own. */
function prefixed({ node, initializer }: GraphProto, prefix: string, input: string) {
  const own = (name: string) => (name === input || name === '' ? name : prefix + name);
  return {
    node: node.map((old) => ({
      ...old,
      name: own(old.name),
      input: old.input.map(own),
      output: old.output.map(own),
    })),
    initializer: initializer.map((tensor) => ({ ...tensor, name: own(tensor.name) })),
  };
}

function dimsOf({ name, type }: ValueInfoProto): number[] {
  if (type?.value.case !== 'tensorType') throw new Error(`${name} is no tensor.`);
  return (type.value.value.shape?.dim ?? []).map(({ value }) => Number(value.value));
}
