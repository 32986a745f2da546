// A graph under construction. Networks are functions that add nodes to it (operators.ts), gradients.ts adds the reverse pass,
// and model-proto.ts turns the whole into an ONNX model. Every value knows its type and shape, so a mistake is found where it is
// made and not when a session is created. Parameters are named tensors that a network asks for: a training step takes them as
// inputs, an exported encoder holds them as initializers.

import { type Shape, sizeOf } from './shapes.ts';

export type DataType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'bool';

/** The result of a node, an input, a parameter or a constant. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: Shape;
}

export type Attribute = number | string | readonly number[] | { readonly float: number };

export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly Value[];
  /** Grows only where a gradient rule asks an operator for an optional output. */
  readonly outputs: Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export type Initialisation =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'constant'; readonly value: number };

/** A tensor that a model is made of: its name in model.safetensors, its shape in the graph, and how it starts. */
export interface Parameter extends Value {
  readonly shape: readonly number[];
  readonly initialisation: Initialisation;
  /** False for a buffer, which no gradient changes: a running mean. */
  readonly trainable: boolean;
  /**
   * True for the weight of a linear layer: the graph multiplies by [in, out], while PyTorch and so model.safetensors keep
   * [out, in].
   */
  readonly storedTransposed: boolean;
}

export interface Constant extends Value {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** Some layers do one thing while a network learns and another in the finished model: a batch norm. */
export type Mode = 'training' | 'inference';

/** What a graph is to run on, where two formulations of the same numbers are not equally fast. */
export type Target = 'cpu' | 'gpu';

export class Graph {
  readonly mode: Mode;
  readonly target: Target;
  readonly inputs: Value[] = [];
  readonly parameters = new Map<string, Parameter>();
  readonly constants = new Map<string, Constant>();
  readonly nodes: GraphNode[] = [];
  readonly outputs: Value[] = [];
  /** What a buffer is to become after a training step, by the buffer's name. */
  readonly updates = new Map<string, Value>();
  readonly #names = new Set<string>();

  constructor(mode: Mode = 'inference', target: Target = 'cpu') {
    this.mode = mode;
    this.target = target;
  }

  input(name: string, type: DataType, shape: Shape): Value {
    const value = { name: this.#claim(name), type, shape };
    this.inputs.push(value);
    return value;
  }

  parameter(
    name: string,
    shape: readonly number[],
    initialisation: Initialisation,
    storedTransposed = false,
  ): Parameter {
    return this.#tensor({ name, shape, initialisation, storedTransposed, trainable: true });
  }

  /** A tensor that belongs to the model and is not learned by gradients; `update` says how a training step changes it. */
  buffer(name: string, shape: readonly number[], value: number): Parameter {
    const initialisation = { kind: 'constant', value } as const;
    return this.#tensor({ name, shape, initialisation, storedTransposed: false, trainable: false });
  }

  update(buffer: Parameter, value: Value): void {
    this.updates.set(buffer.name, value);
  }

  /** A float32 constant; equal constants share one initializer. */
  floats(data: ArrayLike<number>, shape: readonly number[] = [data.length]): Constant {
    return this.#constant('float32', Float32Array.from(data), shape);
  }

  /** An int64 constant, as shapes, axes and token ids are. */
  integers(data: readonly number[], shape: readonly number[] = [data.length]): Constant {
    return this.#constant('int64', BigInt64Array.from(data, BigInt), shape);
  }

  scalar(value: number): Constant {
    return this.floats([value], []);
  }

  /** Adds a node; `results` are its outputs' types and shapes in order. */
  add(
    op: string,
    inputs: readonly Value[],
    results: readonly { type: DataType; shape: Shape }[],
    attributes: Record<string, Attribute> = {},
  ): GraphNode {
    for (const { shape } of results) checkLengths(op, shape);
    const outputs = results.map(({ type, shape }) => ({ name: this.#fresh(op), type, shape }));
    const node: GraphNode = { op, inputs, outputs, attributes };
    this.nodes.push(node);
    return node;
  }

  /** Asks an existing node for one more of its optional outputs. */
  extraOutput(node: GraphNode, type: DataType, shape: Shape): Value {
    const value = { name: this.#fresh(node.op), type, shape };
    node.outputs.push(value);
    return value;
  }

  /** Declares a result of the whole graph under a name of its own. */
  output(name: string, value: Value): void {
    const renamed = { name: this.#claim(name), type: value.type, shape: value.shape };
    this.nodes.push({ op: 'Identity', inputs: [value], outputs: [renamed], attributes: {} });
    this.outputs.push(renamed);
  }

  /**
   * Has the parameters computed where they would be given: by what `compute` adds, before all other nodes. The last node that it
   * adds for a parameter is taken to give it.
   */
  computeParameters(compute: (parameter: Parameter) => Value): void {
    const readers = this.nodes.splice(0);
    for (const parameter of this.parameters.values()) {
      compute(parameter);
      this.nodes[this.nodes.length - 1].outputs[0] = parameter;
    }
    this.nodes.push(...readers);
    this.parameters.clear();
  }

  /** Puts other nodes in a node's place wherever `replace` adds some; the last of them then gives the node's first result. */
  replaceNodes(replace: (node: GraphNode) => void): void {
    for (const node of this.nodes.splice(0)) {
      const before = this.nodes.length;
      replace(node);
      if (this.nodes.length === before) this.nodes.push(node);
      else this.nodes[this.nodes.length - 1].outputs[0] = node.outputs[0];
    }
  }

  #tensor(tensor: Omit<Parameter, 'type'>): Parameter {
    this.#claim(tensor.name);
    const parameter: Parameter = { ...tensor, type: 'float32' };
    this.parameters.set(parameter.name, parameter);
    return parameter;
  }

  #constant(type: DataType, data: Float32Array | BigInt64Array, shape: readonly number[]): Constant {
    if (data.length !== sizeOf(shape)) {
      throw new Error(`A constant of ${data.length} elements cannot have the shape [${shape.join(', ')}].`);
    }
    const key = `${type}[${shape.join()}]:${data.join()}`;
    const known = this.constants.get(key);
    if (known) return known;
    const constant: Constant = { name: this.#fresh('Constant'), type, shape, data };
    this.constants.set(key, constant);
    return constant;
  }

  #claim(name: string): string {
    if (this.#names.has(name)) throw new Error(`The graph already has a value named ${name}.`);
    this.#names.add(name);
    return name;
  }

  #fresh(op: string): string {
    return this.#claim(`${op}_${this.#names.size}`);
  }
}

/** Whatever an operator made of its operands: no tensor has half an element, or fewer than none. */
function checkLengths(op: string, shape: Shape): void {
  if (shape.every((dim) => typeof dim === 'string' || (Number.isInteger(dim) && dim >= 0))) return;
  throw new Error(`${op} would give the shape [${shape.map(String).join(', ')}], which no tensor has.`);
}
