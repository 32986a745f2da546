// A node's attributes as plain values.

import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
} from '../proto/onnx_pb.ts';

export function intAttribute(node: NodeProto, name: string, otherwise: number): number {
  const attribute = node.attribute.find((candidate) => candidate.name === name);
  return attribute ? Number(attribute.i) : otherwise;
}

export function floatAttribute(node: NodeProto, name: string, otherwise: number): number {
  return node.attribute.find((candidate) => candidate.name === name)?.f ?? otherwise;
}

export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  return node.attribute.find((candidate) => candidate.name === name)?.ints.map(Number);
}

/** A node, named after its first output; attributes are integers, and the standard operators' domain has the empty name. */
export function nodeProto(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, number>> = {},
  domain = '',
): NodeProto {
  const attribute = Object.entries(attributes).map(
    ([name, value]): AttributeProto =>
      create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) }),
  );
  return create(NodeProtoSchema, {
    domain,
    opType,
    name: output[0],
    input: [...input],
    output: [...output],
    attribute,
  });
}
