// PyTorch's own files (.pt, .pth, .bin): a zip archive of data.pkl, which says what there is, and a file of plain numbers for each
// storage (pytorch, caffe2/serialize/inline_container.h). torch.save keeps a dictionary of tensors, perhaps among a training's other
// things; TorchScript, as OpenAI publishes its models, a tree of modules.

import { Reader, ZipReader } from '@zip.js/zip.js';
import { shown } from '../../clip/checked.ts';
import { type Dtype, readTensor, type Tensor, type TensorInfo } from '../../clip/safetensors.ts';
import type { RangeFile } from '../../files/range-file.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Constructor, PICKLE_LIMITS, type PickleValue, unpickle } from './pickle.ts';

/** The classes of torch's storages, by the type of their numbers. */
const STORAGES: ReadonlyMap<string, Dtype> = new Map([
  ['DoubleStorage', 'F64'],
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
]);
const BYTES: Readonly<Record<Dtype, number>> = {
  ...{ F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4 },
  ...{ F16: 2, BF16: 2, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1 },
};

/** The largest published CLIP has two thousand tensors, and as many files in its archive; with its optimiser three times that. */
const MAX_FILES = 10_000;
/** An archive's directory takes some hundred bytes a file. */
const MAX_DIRECTORY_BYTES = 2 ** 22;
/** Characters of a tensor's name, whose parts a pickle may repeat at no cost. */
const MAX_NAME_LENGTH = 256;
/** A convolution's weights have four. */
const MAX_AXES = 8;
/** Modules in modules: a text block's attention lies four deep. */
const MAX_DEPTH = 64;
/** Where a checkpoint of a training run has its weights beside its other things. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];

/** A file of the archive, stored as it is. */
interface StoredFile {
  readonly name: string;
  /** Where its local header begins; its bytes lie behind that. */
  readonly offset: number;
  readonly bytes: number;
  /** Where the next file begins, or the archive ends: no two share a byte. */
  readonly limit: number;
}

class Storage {
  readonly dtype: Dtype;
  readonly key: string;
  readonly length: number;

  constructor(dtype: Dtype, key: string, length: number) {
    this.dtype = dtype;
    this.key = key;
    this.length = length;
  }
}

/** A tensor as a view of a storage: what torch._utils._rebuild_tensor_v2 is called with. */
class View {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A module of TorchScript: its class is never looked at. */
class InertRecord {
  readonly fields = new Map<PickleValue, PickleValue>();
}

export async function openTorchArchive(file: RangeFile): Promise<Checkpoint> {
  const files = await listFiles(file);
  const pickle = [...files].find(([name]) => name.endsWith('/data.pkl'));
  if (!pickle) {
    throw new Error(
      `${file.path} was refused: the archive holds no data.pkl, as torch.save or torch.jit.save would have written it.`,
    );
  }
  const [name, stored] = pickle;
  const root = name.slice(0, -'data.pkl'.length);
  const order = files.get(`${root}byteorder`);
  if (
    order &&
    new TextDecoder().decode(await readStored(file, order, 0, Math.min(order.bytes, 16))) === 'big'
  ) {
    throw new Error(`${file.path} was refused: its numbers are big-endian. Save it anew on another machine.`);
  }
  if (stored.bytes > PICKLE_LIMITS.bytes) {
    throw new Error(
      `${file.path} was refused: its data.pkl has ${stored.bytes} bytes; at most ${PICKLE_LIMITS.bytes} are read.`,
    );
  }
  const content = unpickle(
    await readStored(file, stored, 0, stored.bytes),
    namesOf(file.path),
    `${file.path}, data.pkl`,
  );
  const views = viewsOf(content, file.path);
  for (const [tensor, { storage }] of views)
    checkStorage(tensor, storage, files.get(`${root}data/${storage.key}`), file);
  return {
    name: file.path,
    tensors: new Map(
      Array.from(views, ([tensor, { storage, shape }]): [string, TensorInfo] => [
        tensor,
        { dtype: storage.dtype, shape },
      ]),
    ),
    async read(tensor) {
      const view = views.get(tensor);
      const stored = view && files.get(`${root}data/${view.storage.key}`);
      if (!stored) throw new Error(`${file.path} holds no tensor ${tensor}.`);
      return readView(file, view, stored);
    },
    close: () => file.close(),
  };
}

/** What is read of an archive; TorchScript's code is not. */
const READ = /^[^/]+\/(?:data\.pkl|byteorder|data\/[^/]+)$/;

/**
 * Where the files lie that are read of an archive. They must be stored as they are: PyTorch compresses none of these, and what
 * inflates may be a bomb. So may be files that share their bytes.
 */
async function listFiles(file: RangeFile): Promise<ReadonlyMap<string, StoredFile>> {
  const listed: Omit<StoredFile, 'limit'>[] = [];
  const reader = new ZipReader(new RangeReader(file), { useWebWorkers: false });
  try {
    let count = 0;
    for await (const entry of reader.getEntriesGenerator()) {
      if (++count > MAX_FILES) throw new Error(`it holds more than ${MAX_FILES} files`);
      if (entry.directory || !READ.test(entry.filename)) continue;
      const {
        filename: name,
        offset,
        uncompressedSize,
        compressedSize,
        compressionMethod,
        encrypted,
      } = entry;
      if (compressionMethod !== 0 || encrypted || compressedSize !== uncompressedSize) {
        throw new Error(
          `its ${shown(name)} is ${encrypted ? 'encrypted' : 'compressed'}, which PyTorch does to no tensor`,
        );
      }
      listed.push({ name, offset, bytes: uncompressedSize });
    }
  } catch (cause) {
    // What the library meets unprepared, such as a view that ends too soon, is no sentence.
    const found =
      cause instanceof Error && cause.name === 'Error' ? cause.message : 'its directory is damaged';
    throw new Error(`${file.path} was refused: ${found}. A zip archive was expected, as PyTorch writes it.`, {
      cause,
    });
  }
  listed.sort((a, b) => a.offset - b.offset);
  const files = new Map<string, StoredFile>();
  for (const [i, each] of listed.entries()) {
    const limit = listed[i + 1]?.offset ?? file.bytes;
    const end = each.offset + LOCAL_HEADER + each.bytes;
    if (end > limit) {
      throw new Error(
        `${file.path} was refused: its ${shown(each.name)} of ${each.bytes} bytes ends at byte ${end} or later, and ${listed[i + 1] ? 'the next begins' : 'the file ends'} at ${limit}.`,
      );
    }
    files.set(each.name, { ...each, limit });
  }
  return files;
}

/** Reads what there is of a range, as the library expects it, and no more than a directory may take. */
class RangeReader extends Reader<RangeFile> {
  readonly #file: RangeFile;

  constructor(file: RangeFile) {
    super(file);
    this.#file = file;
    this.size = file.bytes;
  }

  override async readUint8Array(index: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const start = Math.min(Math.max(index, 0), this.size);
    const end = Math.min(Math.max(index + length, start), this.size);
    if (end - start > MAX_DIRECTORY_BYTES)
      throw new Error(`its directory has ${end - start} bytes; at most ${MAX_DIRECTORY_BYTES} are read`);
    return this.#file.read(start, end);
  }
}

const LOCAL_HEADER = 30;
/** PK, 3, 4 */
const LOCAL_SIGNATURE = 0x04034b50;

/** Bytes [from, to) of a file in the archive. */
async function readStored(
  file: RangeFile,
  stored: StoredFile,
  from: number,
  to: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const start = await dataStart(file, stored);
  return file.read(start + from, start + to);
}

/** Behind an entry's local header, whose two last fields are the lengths of its name and of what pads the numbers to 64 bytes. */
async function dataStart(file: RangeFile, { name, offset, bytes, limit }: StoredFile): Promise<number> {
  const header = new DataView((await file.read(offset, offset + LOCAL_HEADER)).buffer);
  const start = offset + LOCAL_HEADER + header.getUint16(26, true) + header.getUint16(28, true);
  if (header.getUint32(0, true) === LOCAL_SIGNATURE && start + bytes <= limit) return start;
  throw new Error(
    `${file.path} was refused: its ${shown(name)} does not lie at byte ${offset}, where its directory lists it.`,
  );
}

/** What names a checkpoint may use, and what they stand for. */
function namesOf(path: string) {
  const refused = (found: string) =>
    new Error(
      `${path} was refused: ${found}. Only tensors and the modules around them are read; save the state_dict alone.`,
    );
  const storageTypes = new Map<Constructor, Dtype>();
  const inert: Constructor = () => new InertRecord();
  const known = new Map<string, Constructor>([
    [
      'collections.OrderedDict',
      (args) => {
        // Python 3 fills it afterwards, as any dictionary.
        if (args.length > 0) throw refused('it makes an OrderedDict of a list');
        return new Map();
      },
    ],
    ['torch._utils._rebuild_tensor_v2', (args) => viewFrom(args, refused)],
    ['torch._utils._rebuild_parameter', ([tensor]) => tensor ?? null],
    // TorchScript's lists of plain numbers, and a value with its type beside it.
    ...['intlist', 'doublelist', 'boollist', 'tensorlist'].map((kind): [string, Constructor] => [
      `torch.jit._pickle.build_${kind}`,
      ([list]) => list ?? [],
    ]),
    ['torch.jit._pickle.restore_type_tag', ([value]) => value ?? null],
  ]);
  for (const [name, dtype] of STORAGES) {
    const type: Constructor = () => {
      throw refused(`it builds a ${name}`);
    };
    known.set(`torch.${name}`, type);
    storageTypes.set(type, dtype);
  }
  return {
    find(module: string, name: string): Constructor {
      const found = module.startsWith('__torch__') ? inert : known.get(`${module}.${name}`);
      if (!found) throw refused(`its pickle asks for ${shown(`${module}.${name}`)}`);
      return found;
    },
    load(id: PickleValue): PickleValue {
      const [kind, type, key, , length] = Array.isArray(id) ? (id as PickleValue[]) : [];
      const dtype = typeof type === 'function' ? storageTypes.get(type as Constructor) : undefined;
      if (kind !== 'storage' || !dtype || !isKey(key) || !isCount(length)) {
        throw refused('it refers to something outside of it that is no storage');
      }
      return new Storage(dtype, key, length);
    },
    build(made: PickleValue, state: PickleValue): void {
      if (state instanceof Map && made instanceof InertRecord) {
        for (const [field, value] of state) made.fields.set(field, value);
        // An OrderedDict may carry attributes: a state_dict has `_metadata`, versions of its modules.
      } else if (!(state instanceof Map && made instanceof Map)) {
        throw refused('it gives a state to what has none');
      }
    },
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isKey = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_NAME_LENGTH;
const countOf = (shape: readonly number[]) =>
  shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1);
const areCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MAX_AXES && value.every(isCount);

function viewFrom(
  [storage, offset, shape, strides]: readonly PickleValue[],
  refused: (found: string) => Error,
): View {
  if (
    !(storage instanceof Storage) ||
    !isCount(offset) ||
    !areCounts(shape) ||
    !areCounts(strides) ||
    strides.length !== shape.length
  ) {
    throw refused('a tensor in it has no storage, shape or strides');
  }
  const count = countOf(shape);
  // More elements than its storage has a tensor only has that repeats them, and no weight does.
  if (count > 0 && Math.max(offset + spanOf(shape, strides), count) > storage.length) {
    throw refused(
      `a tensor of shape [${shape.join(', ')}] and strides [${strides.join(', ')}] from ${offset} on does not fit into a storage of ${storage.length}`,
    );
  }
  return new View(storage, offset, shape, strides);
}

/** Elements from a view's first to its last. */
const spanOf = (shape: readonly number[], strides: readonly number[]): number =>
  shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], 1);

/** Of a dictionary of tensors, or of a tree of modules, whose names are joined by dots. */
function viewsOf(content: PickleValue, path: string): Map<string, View> {
  const wrapped = WRAPPERS.map((key) => (content instanceof Map ? content.get(key) : undefined));
  const root = wrapped.find((value) => value instanceof Map || value instanceof InertRecord) ?? content;
  const views = new Map<string, View>();
  /** A pickle may mention one module a thousand times, and each of its own too: each is entered once. */
  const seen = new Set<PickleValue>();
  const enter = (value: PickleValue, prefix: string, depth: number): void => {
    if (value instanceof View) {
      if (prefix.length > MAX_NAME_LENGTH)
        throw new Error(
          `${path} was refused: a tensor's name has ${prefix.length} characters; at most ${MAX_NAME_LENGTH} are read.`,
        );
      views.set(prefix, value);
      if (views.size > MAX_FILES)
        throw new Error(`${path} was refused: it holds more than ${MAX_FILES} tensors.`);
      return;
    }
    const fields = value instanceof InertRecord ? value.fields : value instanceof Map ? value : undefined;
    if (!fields || seen.has(value)) return;
    seen.add(value);
    if (depth > MAX_DEPTH)
      throw new Error(`${path} was refused: its modules lie more than ${MAX_DEPTH} deep.`);
    for (const [key, inner] of fields as ReadonlyMap<PickleValue, PickleValue>)
      if (typeof key === 'string') enter(inner, prefix === '' ? key : `${prefix}.${key}`, depth + 1);
  };
  enter(root, '', 0);
  if (views.size === 0) throw new Error(`${path} was refused: there is no tensor in it.`);
  return views;
}

function checkStorage(
  tensor: string,
  storage: Storage,
  stored: StoredFile | undefined,
  file: RangeFile,
): void {
  const expected = storage.length * BYTES[storage.dtype];
  if (stored?.bytes === expected) return;
  throw new Error(
    `${file.path} was refused: the storage of ${shown(tensor)} should have ${expected} bytes (${storage.length} of ${storage.dtype}), ${stored ? `it has ${stored.bytes}` : 'and is not in the archive'}.`,
  );
}

async function readView(file: RangeFile, view: View, stored: StoredFile): Promise<Tensor> {
  const { storage, offset, shape, strides } = view;
  const { dtype } = storage;
  const size = BYTES[dtype];
  const count = countOf(shape);
  if (count === 0) return readTensor(new Uint8Array(), { dtype, shape });
  const source = await readStored(file, stored, offset * size, (offset + spanOf(shape, strides)) * size);
  if (isContiguous(shape, strides)) return readTensor(source, { dtype, shape });
  const target = new Uint8Array(count * size);
  const place = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    const at = place.reduce((sum, index, axis) => sum + index * strides[axis], 0) * size;
    target.set(source.subarray(at, at + size), i * size);
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0;
  }
  return readTensor(target, { dtype, shape });
}

/** Whether elements follow each other as their indices do. The stride of an axis of length 1 says nothing. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}
