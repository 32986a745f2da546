// An encoder's .onnx file, checked before any runtime gets it: what a runtime believes, allocates or opens on its word. The file
// is protobuf (protobuf.dev/programming-guides/encoding; field numbers from ONNX's onnx.proto); it is walked from field to field
// where it lies, weights are passed over, and nothing is built from it. What a runtime finds out by itself before it does any
// harm (wrong types, missing inputs, unknown operators) is left to it.

import { quoted, shown } from './checked.ts';

/** What a graph says of itself. */
export interface GraphSummary {
  /** As runtimes list them: without those that an initializer fills. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Version of ONNX's own operators. */
  readonly opset: number;
  /** The program that wrote it, as it names itself; empty where it does not. */
  readonly producer: string;
  /** Plain names of the files in the graph's folder that hold weights. */
  readonly dataFiles: readonly string[];
}

export const GRAPH_LIMITS = {
  /** protobuf's own limit. Larger models have their weights in files beside the graph. */
  bytes: 2 ** 31 - 1,
  /** Messages in messages: a graph in a node's attribute lies three deeper. Exports have two such levels; protobuf stops at 100. */
  depth: 32,
  /** Functions that call functions; exporters write a module of a network as one. */
  functionDepth: 32,
  /** With those in subgraphs and, as often as they are called, in functions. ViT-L/14 has 3,000, ViT-bigG/14 in q8 12,000. */
  nodes: 100_000,
  /** Nodes, tensors, inputs, outputs, functions: what is counted or remembered. */
  parts: 200_000,
  /** Fields of all messages, weights not counted; some 30 a node. */
  fields: 5_000_000,
  /** Of a name; PyTorch's speak of every module that they are in. */
  nameBytes: 2048,
  /** Axes of a tensor; an encoder's have four. */
  axes: 32,
} as const;

/** Messages by the fields that are messages themselves. `none` is what no encoder has and a runtime would unfold or allocate by. */
const MESSAGES = {
  model: { 7: 'graph', 8: 'operatorSet', 14: 'entry', 20: 'none', 25: 'function', 26: 'none' },
  graph: {
    ...{ 1: 'node', 5: 'tensor', 11: 'value', 12: 'value', 13: 'value' },
    ...{ 14: 'annotation', 15: 'none', 16: 'entry' },
  },
  function: { 7: 'node', 9: 'operatorSet', 11: 'attribute', 12: 'value', 14: 'entry' },
  node: { 5: 'attribute', 9: 'entry', 10: 'none' },
  attribute: {
    ...{ 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
    ...{ 14: 'type', 15: 'type', 22: 'none', 23: 'none' },
  },
  tensor: { 13: 'entry', 16: 'entry' },
  value: { 2: 'type', 4: 'entry' },
  /** A tensor's, a sequence's, a map's, a sparse tensor's, an optional value's. */
  type: { 1: 'tensorType', 4: 'element', 5: 'map', 8: 'tensorType', 9: 'element' },
  element: { 1: 'type' },
  map: { 2: 'type' },
  tensorType: { 2: 'shape' },
  shape: { 1: 'dimension' },
  dimension: {},
  annotation: { 2: 'entry' },
  operatorSet: {},
  entry: {},
} as const satisfies Record<string, Readonly<Record<number, string>>>;

type Message = keyof typeof MESSAGES;

/** Sets of operators that ONNX Runtime 1.30 knows; what is in none of them is a function of the model's own. */
const DOMAINS: ReadonlySet<string> = new Set([
  ...['', 'ai.onnx', 'ai.onnx.ml', 'ai.onnx.training', 'ai.onnx.preview', 'ai.onnx.preview.training'],
  ...['com.microsoft', 'com.microsoft.nchwc', 'com.microsoft.experimental', 'com.ms.internal.nhwc'],
  'org.pytorch.aten',
]);

/** Bits of an element, by TensorProto.DataType, FLOAT being 1; UNDEFINED and STRING have none. */
const BITS = [0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4, 8, 2, 2];
const STRING = 8;
/** Two numbers an element. */
const COMPLEX: ReadonlySet<number> = new Set([14, 15]);

/** Wire types of protobuf; 3 and 4, groups, are older than ONNX. */
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];
const MAX_VARINT_BYTES = 10;

/** A name that is one file in the graph's own folder, on every system. */
const PLAIN_NAME = /^(?!\.{1,2}$)[^/\\:\p{Cc}]+$/u;

/**
 * Checks the bytes of an .onnx file, which are neither copied nor kept.
 *
 * @param fileName for messages
 * @param beside lengths of the files in the graph's folder, by their names: what the graph leaves to others must be in them
 * @throws one sentence where the file is no ONNX model, is cut off or lies about lengths, is beyond GRAPH_LIMITS, or asks for data
 *   from elsewhere
 */
export function checkGraph(
  bytes: Uint8Array,
  fileName: string,
  beside: ReadonlyMap<string, number> = new Map(),
): GraphSummary {
  return new GraphChecker(bytes, fileName, beside).check();
}

/** What nodes a graph or a function has, subgraphs included: how often it calls which operator of which domain. */
type Calls = Map<string, number>;
const SEPARATOR = '\0';

class GraphChecker {
  readonly #bytes: Uint8Array;
  readonly #fileName: string;
  readonly #beside: ReadonlyMap<string, number>;
  readonly #utf8 = new TextDecoder();

  readonly #inputs: string[] = [];
  readonly #outputs: string[] = [];
  readonly #initializers = new Set<string>();
  readonly #opsets = new Map<string, number>();
  readonly #functions = new Map<string, Calls>();
  readonly #calls: Calls = new Map();
  /** Bytes that tensors take from each file beside the graph. */
  readonly #taken = new Map<string, number>();
  #producer = '';
  #graphs = 0;
  #parts = 0;
  #fields = 0;

  // The field in hand: its number, wire type, value of a varint, and where its content lies. What follows begins at #at.
  #at = 0;
  #number = 0;
  #wire = VARINT;
  #value = 0;
  #from = 0;

  constructor(bytes: Uint8Array, fileName: string, beside: ReadonlyMap<string, number>) {
    this.#bytes = bytes;
    this.#fileName = fileName;
    this.#beside = beside;
  }

  check(): GraphSummary {
    const other = otherKind(this.#bytes);
    if (other) throw this.#refused(`it is ${other}; an ONNX model was expected`);
    if (this.#bytes.length > GRAPH_LIMITS.bytes) {
      throw this.#refused(`it has ${this.#bytes.length} bytes; protobuf allows ${GRAPH_LIMITS.bytes}`);
    }
    this.#model();
    const opset = this.#opsets.get('') ?? this.#opsets.get('ai.onnx');
    if (this.#graphs !== 1 || opset === undefined) {
      const found = this.#graphs === 1 ? 'no version of its operators' : `${this.#graphs} graphs`;
      throw this.#refused(`it states ${found}; it is cut off, or no ONNX model`);
    }
    this.#checkCalls();
    return {
      inputs: this.#inputs.filter((name) => !this.#initializers.has(name)),
      outputs: this.#outputs,
      opset,
      producer: this.#producer,
      dataFiles: [...this.#taken.keys()],
    };
  }

  // --- messages that matter ---

  #model(): void {
    while (this.#next(this.#bytes.length)) {
      const [from, end] = [this.#from, this.#at];
      if (this.#number === 2) this.#producer = this.#text('a producer');
      switch (this.#childOf('model')) {
        case 'graph':
          this.#graphs++;
          this.#walk('graph', from, end, 1, this.#calls, true);
          break;
        case 'operatorSet':
          this.#operatorSet(from, end);
          break;
        case 'function':
          this.#function(from, end);
          break;
        case 'entry':
          this.#walk('entry', from, end, 1, this.#calls);
      }
      this.#at = end;
    }
  }

  #operatorSet(from: number, end: number): void {
    this.#countPart();
    let domain = '';
    let version = 0;
    this.#at = from;
    while (this.#next(end)) {
      if (this.#number === 1) domain = this.#text('a domain');
      else if (this.#number === 2) version = this.#value;
    }
    this.#opsets.set(domain, version);
  }

  #function(from: number, end: number): void {
    this.#countPart();
    let name = '';
    let domain = '';
    this.#at = from;
    while (this.#next(end)) {
      if (this.#number === 1) name = this.#text('a function');
      else if (this.#number === 10) domain = this.#text('a domain');
    }
    const called = domain + SEPARATOR + name;
    // Of one name there may be several, for other types; they count together.
    const calls: Calls = this.#functions.get(called) ?? new Map();
    this.#functions.set(called, calls);
    this.#walk('function', from, end, 1, calls);
  }

  /** Every field of a message, and of those in it. `isMain`: of the model's own graph, whose inputs and outputs are noted. */
  #walk(message: Message, from: number, end: number, depth: number, calls: Calls, isMain = false): void {
    if (depth > GRAPH_LIMITS.depth) {
      throw this.#refused(`its graphs lie more than ${GRAPH_LIMITS.depth} messages deep in each other`);
    }
    if (message === 'tensor') {
      this.#tensor(from, end, isMain);
      return;
    }
    if (message === 'node') this.#node(from, end, calls);
    this.#at = from;
    while (this.#next(end)) {
      const child = this.#childOf(message);
      if (child === undefined) continue;
      const [field, start, next] = [this.#number, this.#from, this.#at];
      if (isMain && field === 11) this.#inputs.push(this.#nameOf(start, next));
      else if (isMain && field === 12) this.#outputs.push(this.#nameOf(start, next));
      this.#walk(child, start, next, depth + 1, calls, isMain && child === 'tensor');
      this.#at = next;
    }
  }

  /** Of a ValueInfoProto. */
  #nameOf(from: number, end: number): string {
    this.#countPart();
    let name = '';
    this.#at = from;
    while (this.#next(end)) if (this.#number === 1) name = this.#text('an input or output');
    return name;
  }

  #node(from: number, end: number, calls: Calls): void {
    this.#countPart();
    let operator = '';
    let domain = '';
    this.#at = from;
    while (this.#next(end)) {
      if (this.#number === 4) operator = this.#text('an operator');
      else if (this.#number === 7) domain = this.#text('a domain');
    }
    const called = domain + SEPARATOR + operator;
    calls.set(called, (calls.get(called) ?? 0) + 1);
  }

  #countPart(): void {
    if (++this.#parts > GRAPH_LIMITS.parts) {
      throw this.#refused(`it has more than ${GRAPH_LIMITS.parts} nodes, tensors, inputs and outputs`);
    }
  }

  // --- tensors ---

  #tensor(from: number, end: number, isInitializer: boolean): void {
    this.#countPart();
    const dims: number[] = [];
    const external = new Map<string, string>();
    let name = '';
    let type = 0;
    let isExternal = false;
    let rawBytes = 0;
    /** How many values stand in fields of numbers or texts: at least and at most, since varints are passed over uncounted. */
    const listed = { least: 0, most: 0 };
    const list = (least: number, most = least) => {
      listed.least += least;
      listed.most += most;
    };
    this.#at = from;
    while (this.#next(end)) {
      switch (this.#number) {
        case 1:
          this.#dims(dims);
          break;
        case 2:
          type = this.#value;
          break;
        case 4: // float_data
        case 10: // double_data
          list(this.#numbers(this.#number === 4 ? 4 : 8));
          break;
        case 5: // int32_data
        case 7: // int64_data
        case 11: // uint64_data
          list(this.#numbers(MAX_VARINT_BYTES), this.#numbers(1));
          break;
        case 6: // string_data
          list(1);
          break;
        case 8:
          name = this.#text('a tensor');
          break;
        case 9:
          rawBytes = this.#at - this.#from;
          break;
        case 13: {
          this.#childOf('tensor');
          const next = this.#at;
          this.#entry(this.#from, next, external);
          this.#at = next;
          break;
        }
        case 14:
          isExternal = this.#value === 1;
      }
    }
    if (isInitializer) this.#initializers.add(name);
    const elements = this.#elementsOf(dims, name);
    const bits = BITS[type];
    if (!bits && type !== STRING) {
      throw this.#refused(`${tensor(name)} has the type ${type}, which ONNX does not know`);
    }
    const bytes = Math.ceil((elements * bits) / 8);
    if (isExternal) {
      this.#external(name, external, type === STRING ? null : bytes);
      return;
    }
    // The field may stand there empty. Elements of less than a byte are listed by the byte.
    const expected = COMPLEX.has(type) ? 2 * elements : bits > 0 && bits < 8 ? bytes : elements;
    const matches =
      rawBytes > 0
        ? rawBytes === bytes && listed.most === 0
        : listed.least <= expected && expected <= listed.most;
    if (matches) return;
    const takes = rawBytes > 0 ? `${bytes} bytes` : `${expected} values`;
    const has =
      rawBytes > 0
        ? `${rawBytes} bytes${listed.most > 0 ? ' and values beside them' : ''}`
        : `${listed.most}`;
    throw this.#refused(`${tensor(name)} of shape [${shown(dims.join(', '))}] takes ${takes}, it has ${has}`);
  }

  /** The field in hand, one number or several. */
  #dims(dims: number[]): void {
    if (this.#wire === VARINT) dims.push(this.#value);
    else {
      const end = this.#at;
      this.#at = this.#from;
      while (this.#at < end && dims.length <= GRAPH_LIMITS.axes) dims.push(this.#varint(end));
      this.#at = end;
    }
    if (dims.length > GRAPH_LIMITS.axes) {
      throw this.#refused(`a tensor in it has more than ${GRAPH_LIMITS.axes} axes`);
    }
  }

  #elementsOf(dims: readonly number[], name: string): number {
    // A negative one is a varint beyond 2^63.
    const elements = dims.includes(0) ? 0 : dims.reduce((product, side) => product * side, 1);
    if (dims.every(Number.isSafeInteger) && elements <= Number.MAX_SAFE_INTEGER / 16) return elements;
    throw this.#refused(`${tensor(name)} has sides that are negative or beyond all files`);
  }

  /** Numbers of so many bytes in the field in hand, which is one or a row of them. */
  #numbers(width: number): number {
    return this.#wire === BYTES ? Math.ceil((this.#at - this.#from) / width) : 1;
  }

  #entry(from: number, end: number, entries: Map<string, string>): void {
    let key = '';
    let value = '';
    this.#at = from;
    while (this.#next(end)) {
      if (this.#number === 1) key = this.#text('a key');
      else if (this.#number === 2) value = this.#text('a value');
    }
    if (entries.has(key)) throw this.#refused(`a tensor in it states the ${quoted(key)} of its data twice`);
    entries.set(key, value);
  }

  /** `bytes`: what the tensor takes; null for texts, which cannot lie elsewhere. */
  #external(name: string, entries: ReadonlyMap<string, string>, bytes: number | null): void {
    const location = entries.get('location') ?? '';
    if (!PLAIN_NAME.test(location)) {
      throw this.#refused(
        `${tensor(name)} is to be read from ${quoted(location)}; a plain name of a file beside it was expected`,
      );
    }
    const size = this.#beside.get(location);
    if (size === undefined) {
      throw this.#refused(`${tensor(name)} is to be read from ${quoted(location)}, which is not beside it`);
    }
    const offset = countIn(entries.get('offset') ?? '0');
    const length = countIn(entries.get('length') ?? String(bytes));
    if (bytes === null || offset === null || length !== bytes || offset + bytes > size) {
      const place = `bytes ${shown(entries.get('offset') ?? '0')} and ${shown(entries.get('length') ?? 'all')} more`;
      throw this.#refused(
        `${tensor(name)} takes ${bytes ?? 'no'} bytes, and is to be read from ${place} of ${quoted(location)}, which has ${size}`,
      );
    }
    const taken = (this.#taken.get(location) ?? 0) + bytes;
    this.#taken.set(location, taken);
    // The same bytes, named a thousand times, would be allocated a thousand times.
    if (taken > size) {
      throw this.#refused(`its tensors take ${taken} bytes from ${quoted(location)}, which has ${size}`);
    }
  }

  // --- functions ---

  #checkCalls(): void {
    const sizes = new Map<string, number>();
    const sizeOf = (calls: Calls, depth: number): number => {
      if (depth > GRAPH_LIMITS.functionDepth) {
        throw this.#refused(
          `its functions call each other more than ${GRAPH_LIMITS.functionDepth} deep, or without an end`,
        );
      }
      let nodes = 0;
      for (const [called, times] of calls) nodes += times * callSize(called, depth);
      return nodes;
    };
    const callSize = (called: string, depth: number): number => {
      const known = sizes.get(called);
      if (known !== undefined) return known;
      const body = this.#functions.get(called);
      const domain = called.slice(0, called.lastIndexOf(SEPARATOR));
      if (!body && !DOMAINS.has(domain)) {
        throw this.#refused(
          `it calls ${shown(called.slice(domain.length + 1))} of ${quoted(domain)}, whose operators ONNX Runtime does not know`,
        );
      }
      const size = body ? sizeOf(body, depth + 1) : 1;
      sizes.set(called, size);
      return size;
    };
    const nodes = sizeOf(this.#calls, 0);
    if (nodes > GRAPH_LIMITS.nodes) {
      throw this.#refused(`it has ${nodes} nodes; at most ${GRAPH_LIMITS.nodes} are taken`);
    }
  }

  // --- protobuf ---

  /** Reads a field's head and passes over its content; false where the message ends. */
  #next(end: number): boolean {
    if (this.#at === end) return false;
    if (++this.#fields > GRAPH_LIMITS.fields) {
      throw this.#refused(`it has more than ${GRAPH_LIMITS.fields} fields`);
    }
    const start = this.#at;
    const tag = this.#varint(end);
    this.#number = Math.floor(tag / 8);
    this.#wire = tag % 8;
    this.#value = 0;
    let length = 0;
    if (this.#number === 0) throw this.#noField(start);
    if (this.#wire === VARINT) this.#value = this.#varint(end);
    else if (this.#wire === FIXED64) length = 8;
    else if (this.#wire === BYTES) length = this.#varint(end);
    else if (this.#wire === FIXED32) length = 4;
    else throw this.#noField(start);
    this.#from = this.#at;
    this.#at += length;
    if (this.#at > end) throw this.#outside(`byte ${start} begins a field of ${length} bytes`, end);
    return true;
  }

  /** Which message the field in hand is; undefined for a number, a text or what ONNX does not know. */
  #childOf(message: Message): Message | undefined {
    const child = (MESSAGES[message] as Readonly<Partial<Record<number, Message | 'none'>>>)[this.#number];
    if (child === 'none') {
      throw this.#refused(
        'it holds sparse tensors, training steps, or parts for several devices, which no encoder has',
      );
    }
    if (child !== undefined && this.#wire !== BYTES) {
      throw this.#refused(`byte ${this.#from} begins no ${child}, where one was expected; it is damaged`);
    }
    return child;
  }

  /** Little-endian in groups of seven bits. Beyond 2^53 it is near the number, which no caller takes. */
  #varint(end: number): number {
    const start = this.#at;
    let value = 0;
    for (let i = 0, scale = 1; i < MAX_VARINT_BYTES; i++, scale *= 128) {
      if (this.#at >= end) throw this.#outside(`byte ${start} begins a number`, end);
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw this.#refused(
      `byte ${start} begins a number of more than ${MAX_VARINT_BYTES} bytes; it is damaged`,
    );
  }

  /** The field in hand as a name. */
  #text(what: string): string {
    const length = this.#wire === BYTES ? this.#at - this.#from : Number.POSITIVE_INFINITY;
    if (length > GRAPH_LIMITS.nameBytes) {
      throw this.#refused(`${what} in it has a name of more than ${GRAPH_LIMITS.nameBytes} bytes`);
    }
    return this.#utf8.decode(this.#bytes.subarray(this.#from, this.#at));
  }

  #noField(start: number): Error {
    return this.#refused(`byte ${start} begins no field of protobuf; it is damaged, or no ONNX model`);
  }

  #outside(begun: string, end: number): Error {
    const whole = this.#bytes.length;
    return this.#refused(
      end === whole
        ? `${begun}, and the file ends at ${whole}; it looks cut off`
        : `${begun}, and the message around it ends at ${end}; it is damaged`,
    );
  }

  #refused(found: string): Error {
    return new Error(`${this.#fileName} was refused: ${found}.`);
  }
}

const tensor = (name: string): string =>
  name === '' ? 'a tensor without a name' : `the tensor ${quoted(name)}`;

/** A number as external data states it, in decimal digits; null where it is none. */
function countIn(text: string): number | null {
  const count = Number(text);
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(count) ? count : null;
}

/** What a file is that servers, git and people put in an ONNX file's place; null where it may be one. */
function otherKind(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return 'empty';
  const head = String.fromCharCode(...bytes.subarray(0, 64));
  if (head.startsWith('version https://git-lfs'))
    return 'a pointer of Git LFS, for which `git lfs pull` fetches the file';
  if (/^(?:\xef\xbb\xbf)?\s*</.test(head)) return 'a page of HTML, as servers send it in place of a file';
  if (/^(?:\xef\xbb\xbf)?\s*[{[]/.test(head)) return 'JSON, as servers send it with an error';
  if (head.startsWith('PK\x03\x04')) return 'a zip archive';
  if (head.startsWith('\x1f\x8b')) return 'a gzip file';
  return head.slice(4, 8) === 'ORTM' ? "a file of ONNX Runtime's own format" : null;
}
