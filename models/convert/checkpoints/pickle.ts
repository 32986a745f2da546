// Python's pickle (docs.python.org/3/library/pickletools.html), as far as PyTorch's checkpoints need it. A pickle is a program; this
// reads the few operations that put values together, and whatever would import, call or build something is asked of the caller by its
// name, who knows what it stands for or refuses it. Nothing is ever executed.

/** What pickles are made of here. Lists and tuples are arrays; a set, a class or a long integer beyond 2^53 is refused. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>
  | object;

/** What a name of a pickle stands for: a function of the arguments that the pickle calls it with. */
export type Constructor = (args: readonly PickleValue[]) => PickleValue;

export interface PickleNames {
  /** Throws a sentence where the pickle has no business with `module.name`. */
  find(module: string, name: string): Constructor;
  /** What PyTorch keeps outside of the pickle: a tensor's storage. */
  load(id: PickleValue): PickleValue;
  /** Gives `state`, as __setstate__ would, to what a constructor has made. */
  build(made: PickleValue, state: PickleValue): void;
}

/**
 * Some four times what the largest CLIP takes with its optimiser's state: two thousand tensors, each three times, of 200 bytes and
 * 40 operations. An operation of one byte may make a dictionary of 200, and a name of three may have one filled again and again,
 * so each entry that is copied counts as an operation, and dictionaries are counted by themselves.
 */
export const PICKLE_LIMITS = { bytes: 2 ** 23, operations: 2 ** 20, dictionaries: 2 ** 16 } as const;

const MARK = Symbol('mark');
type Slot = PickleValue | typeof MARK | Constructor;

/** @throws a sentence that names `fileName`, where it is no such pickle */
export function unpickle(bytes: Uint8Array, names: PickleNames, fileName: string): PickleValue {
  return new Unpickler(bytes, names, fileName).run();
}

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #names: PickleNames;
  readonly #fileName: string;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, Slot>();
  #at = 0;
  #operations = 0;
  #dictionaries = 0;

  constructor(bytes: Uint8Array, names: PickleNames, fileName: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#names = names;
    this.#fileName = fileName;
  }

  run(): PickleValue {
    for (;;) {
      const at = this.#at;
      const code = this.#byte();
      if (code === STOP) return this.#pop();
      const operation = OPERATIONS.get(code);
      if (!operation) {
        const name = String.fromCharCode(code).replace(/[^!-~]/, '') || `0x${code.toString(16)}`;
        throw this.#refused(`byte ${at} is the operation ${name}, which no checkpoint needs`);
      }
      this.#spend(1);
      operation(this);
    }
  }

  #spend(operations: number): void {
    this.#operations += operations;
    if (this.#operations > PICKLE_LIMITS.operations) {
      throw this.#refused(`it takes more than ${PICKLE_LIMITS.operations} operations`);
    }
  }

  #countDictionary(): void {
    if (++this.#dictionaries > PICKLE_LIMITS.dictionaries) {
      throw this.#refused(`it makes more than ${PICKLE_LIMITS.dictionaries} dictionaries and objects`);
    }
  }

  // --- the stack ---

  push(value: Slot): void {
    this.#stack.push(value);
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  /** What was put on the stack since the last mark. */
  sinceMark(): PickleValue[] {
    const start = this.#stack.lastIndexOf(MARK);
    if (start < 0) throw this.#refused('a mark is missing');
    const values = this.#stack.splice(start).slice(1);
    return values.map((value) => this.#value(value));
  }

  tuple(count: number): void {
    const values = Array.from({ length: count }, () => this.#pop());
    this.push(values.reverse());
  }

  append(values: readonly PickleValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#refused('something is appended to what is no list');
    for (const value of values) list.push(value);
  }

  dictionary(): void {
    this.#countDictionary();
    this.push(new Map());
  }

  appendOne(): void {
    this.append([this.#pop()]);
  }

  setItems(values: readonly PickleValue[]): void {
    const target = this.#top();
    if (!(target instanceof Map) || values.length % 2 !== 0) {
      throw this.#refused('an entry is put into what is no dictionary');
    }
    for (let i = 0; i < values.length; i += 2) target.set(values[i], values[i + 1]);
  }

  setOne(): void {
    const value = this.#pop();
    this.setItems([this.#pop(), value]);
  }

  remember(key: number): void {
    const top = this.#stack.at(-1);
    if (top === undefined || top === MARK) throw this.#refused('nothing is there to be remembered');
    this.#memo.set(key, top);
  }

  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.#refused(`what it recalls as ${key} was never remembered`);
    this.push(value);
  }

  // --- names ---

  global(module: string, name: string): void {
    this.push(this.#names.find(module, name));
  }

  stackGlobal(): void {
    const [name, module] = [this.#pop(), this.#pop()];
    if (typeof name !== 'string' || typeof module !== 'string') throw this.#refused('a name is no text');
    this.global(module, name);
  }

  call(): void {
    const args = this.#pop();
    const called = this.#stack.pop();
    if (typeof called !== 'function' || !Array.isArray(args)) throw this.#refused('it calls what is no name');
    this.#countDictionary(); // of what may be made, the largest
    this.push((called as Constructor)(args));
  }

  build(): void {
    const state = this.#pop();
    if (state instanceof Map) this.#spend(state.size);
    this.#names.build(this.#top(), state);
  }

  persistent(): void {
    this.push(this.#names.load(this.#pop()));
  }

  // --- the bytes ---

  skip(count: number): void {
    this.#take(count);
  }

  uint8(): number {
    return this.#byte();
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** Little-endian in two's complement. */
  long(length: number): number {
    if (length > 8) throw this.#refused(`an integer of ${length} bytes stands in it; at most 8 are read`);
    const start = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[start + i]);
    const number = Number(BigInt.asIntN(8 * length, value));
    if (!Number.isSafeInteger(number)) throw this.#refused(`the integer ${value} stands in it`);
    return number;
  }

  text(length: number): string {
    const start = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length));
  }

  line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.#at);
    if (end < 0) throw this.#refused('it ends in the middle of a line');
    const text = this.text(end - this.#at);
    this.skip(1);
    return text;
  }

  #byte(): number {
    return this.#bytes[this.#take(1)];
  }

  /** The place of `count` bytes that are passed over. */
  #take(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) {
      throw this.#refused(`it ends at byte ${this.#bytes.length}, in the middle of an operation`);
    }
    this.#at += count;
    return start;
  }

  #pop(): PickleValue {
    return this.#value(this.#stack.pop());
  }

  #top(): PickleValue {
    return this.#value(this.#stack.at(-1));
  }

  /** A name alone is no value: what PyTorch writes calls each that it mentions, but for the types of storages. */
  #value(slot: Slot | undefined): PickleValue {
    if (slot === undefined || slot === MARK) throw this.#refused('a value is missing');
    return slot;
  }

  #refused(found: string): Error {
    return new Error(
      `${this.#fileName} was refused: ${found}. A pickle of tensors was expected, as torch.save writes it.`,
    );
  }
}

const STOP = 0x2e;
const NEWLINE = 0x0a;

/** By their codes in Python's pickletools. */
const OPERATIONS: ReadonlyMap<number, (p: Unpickler) => void> = new Map([
  [0x80, (p) => p.skip(1)], // PROTO
  [0x95, (p) => p.skip(8)], // FRAME
  [0x28, (p) => p.mark()], // MARK
  [0x4e, (p) => p.push(null)], // NONE
  [0x88, (p) => p.push(true)], // NEWTRUE
  [0x89, (p) => p.push(false)], // NEWFALSE
  [0x4b, (p) => p.push(p.uint8())], // BININT1
  [0x4d, (p) => p.push(p.uint16())], // BININT2
  [0x4a, (p) => p.push(p.int32())], // BININT
  [0x8a, (p) => p.push(p.long(p.uint8()))], // LONG1
  [0x47, (p) => p.push(p.float64())], // BINFLOAT
  [0x58, (p) => p.push(p.text(p.uint32()))], // BINUNICODE
  [0x8c, (p) => p.push(p.text(p.uint8()))], // SHORT_BINUNICODE
  [0x55, (p) => p.push(p.text(p.uint8()))], // SHORT_BINSTRING
  [0x54, (p) => p.push(p.text(p.uint32()))], // BINSTRING
  [0x7d, (p) => p.dictionary()], // EMPTY_DICT
  [0x5d, (p) => p.push([])], // EMPTY_LIST
  [0x29, (p) => p.push([])], // EMPTY_TUPLE
  [0x85, (p) => p.tuple(1)], // TUPLE1
  [0x86, (p) => p.tuple(2)], // TUPLE2
  [0x87, (p) => p.tuple(3)], // TUPLE3
  [0x74, (p) => p.push(p.sinceMark())], // TUPLE
  [0x61, (p) => p.appendOne()], // APPEND
  [0x65, (p) => p.append(p.sinceMark())], // APPENDS
  [0x73, (p) => p.setOne()], // SETITEM
  [0x75, (p) => p.setItems(p.sinceMark())], // SETITEMS
  [0x71, (p) => p.remember(p.uint8())], // BINPUT
  [0x72, (p) => p.remember(p.uint32())], // LONG_BINPUT
  [0x94, (p) => p.rememberNext()], // MEMOIZE
  [0x68, (p) => p.recall(p.uint8())], // BINGET
  [0x6a, (p) => p.recall(p.uint32())], // LONG_BINGET
  [0x63, (p) => p.global(p.line(), p.line())], // GLOBAL
  [0x93, (p) => p.stackGlobal()], // STACK_GLOBAL
  [0x52, (p) => p.call()], // REDUCE
  [0x81, (p) => p.call()], // NEWOBJ
  [0x62, (p) => p.build()], // BUILD
  [0x51, (p) => p.persistent()], // BINPERSID
]);
