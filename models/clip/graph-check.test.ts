import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { tinyModel } from './fixtures/tiny-model.ts';
import { external, field, joined, model, node, repeated, tensor } from './fixtures/wire.ts';
import { checkGraph, GRAPH_LIMITS } from './graph-check.ts';

const utf8 = new TextEncoder();
/** An input or output, as a field of a graph. */
const named = (number: 11 | 12, name: string) => field(number, field(1, name));
const initializer = (...content: Parameters<typeof tensor>) => field(5, tensor(...content));
const raw = (bytes: number) => field(9, new Uint8Array(bytes));
const FLOAT = 1;
/** Beside the graphs of these tests. */
const BESIDE = new Map([['model.onnx_data', 100]]);
const outside = (entries: Readonly<Record<string, string>>, dims = [5]) =>
  model([initializer('w', dims, FLOAT, external(entries))]);
const check = (bytes: Uint8Array) => checkGraph(bytes, 'mini/model.onnx', BESIDE);

let encoders: Uint8Array<ArrayBuffer>[] = [];
beforeAll(async () => {
  const files = await tinyModel();
  encoders = [...files].filter(([path]) => path.endsWith('.onnx')).map(([, bytes]) => bytes);
});

describe('a sound graph', () => {
  test("of ours says its inputs, outputs and operators' version", () => {
    expect(encoders.map((bytes) => checkGraph(bytes, 'a'))).toEqual([
      {
        inputs: ['pixel_values'],
        outputs: ['image_embeds'],
        opset: 20,
        producer: 'promptlens',
        dataFiles: [],
      },
      { inputs: ['input_ids'], outputs: ['text_embeds'], opset: 20, producer: 'promptlens', dataFiles: [] },
    ]);
  });

  test('is taken whatever exporters do: weights as inputs, in files beside it, in lists, of half a byte', () => {
    const graph = model([
      named(11, 'pixel_values'),
      named(11, 'w'), // before IR version 4
      named(12, 'image_embeds'),
      initializer('w', [5], FLOAT, external({ location: 'model.onnx_data', offset: '80', length: '20' })),
      initializer('rest', [20], FLOAT, external({ location: 'model.onnx_data', checksum: 'abc' })),
      initializer('scalar', [], FLOAT, raw(4)),
      initializer('none', [3, 0], FLOAT),
      initializer('listed', [2, 2], FLOAT, field(4, new Uint8Array(16))),
      initializer('integers', [2], 7, field(7, 1), field(7, -1)),
      initializer('packed', [3], 7, field(7, Uint8Array.of(1, 2, 3))),
      initializer('nibbles', [3], 22, raw(2)),
      initializer('texts', [2], 8, field(6, 'a'), field(6, 'b')),
      field(
        1,
        joined(
          field(4, 'Constant'),
          field(5, joined(field(1, 'value'), field(5, tensor('', [1], FLOAT, raw(4))))),
        ),
      ),
      node('MatMulNBits', 'com.microsoft'),
    ]);
    expect(check(graph)).toEqual({
      inputs: ['pixel_values'],
      outputs: ['image_embeds'],
      opset: 20,
      producer: '',
      dataFiles: ['model.onnx_data'],
    });
  });

  test("may have functions of its own, as PyTorch's exporter writes a network's modules", () => {
    const layer = field(25, joined(field(1, 'Layer'), field(10, 'pkg.torch'), field(7, field(4, 'MatMul'))));
    expect(check(model([node('Layer', 'pkg.torch'), node('Layer', 'pkg.torch')], layer)).opset).toBe(20);
  });
});

describe('is refused in one sentence', () => {
  const nested = (levels: number): Uint8Array =>
    levels === 0 ? new Uint8Array() : node('If', '', field(5, field(6, nested(levels - 1))));
  /** Each function calls the one before it ten times. */
  const doubling = (count: number, first: readonly Uint8Array[]) =>
    Array.from({ length: count }, (_, i) => {
      const calls = Array.from({ length: 10 }, () =>
        field(7, joined(field(4, `f${i - 1}`), field(7, 'own'))),
      );
      return field(25, joined(field(1, `f${i}`), field(10, 'own'), ...(i === 0 ? first : calls)));
    });
  const itself = field(
    25,
    joined(field(1, 'f'), field(10, 'own'), field(7, joined(field(4, 'f'), field(7, 'own')))),
  );
  const place = { location: 'model.onnx_data', offset: '0', length: '20' };

  test.each<[string, () => Uint8Array, string | RegExp]>([
    ['an empty file', () => new Uint8Array(), 'it is empty; an ONNX model was expected'],
    ['a page', () => utf8.encode('\n<!doctype html><html>'), /it is a page of HTML, as servers send it/],
    ['JSON', () => utf8.encode('{"error": "not found"}'), /it is JSON, as servers send it/],
    [
      'a pointer of Git LFS',
      () => utf8.encode('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 351000000\n'),
      /it is a pointer of Git LFS, for which `git lfs pull` fetches the file/,
    ],
    ['a zip', () => utf8.encode('PK\x03\x04'), /a zip archive/],
    ['text', () => utf8.encode('Dear Sir'), /byte 0 begins no field of protobuf/],
    [
      'zeros',
      () => new Uint8Array(100),
      /byte 0 begins no field of protobuf; it is damaged, or no ONNX model/,
    ],
    [
      'a graph that is cut off',
      () => encoders[0].subarray(0, 5000),
      /byte \d+ begins a field of \d+ bytes, and the file ends at 5000; it looks cut off/,
    ],
    ['a file without a graph', () => encoders[0].subarray(0, 2), /it states 0 graphs/],
    ['two graphs', () => joined(model([]), field(7, '')), /it states 2 graphs/],
    ['no version of its operators', () => field(7, ''), /it states no version of its operators/],
    [
      'a length that leads out of its message',
      () => joined(model([field(5, field(8, 'w', 50))]), field(2, 'producer')),
      /byte 10 begins a field of 50 bytes, and the message around it ends at 13; it is damaged/,
    ],
    ['a length of 2^63', () => model([field(5, '', -1)]), /begins a field of 18446744073709552000 bytes/],
    [
      'a number without an end',
      () => model([field(1, new Uint8Array(12).fill(255))]),
      /begins a number of more than 10 bytes/,
    ],
    ['a node that is a number', () => model([field(1, 7)]), /begins no node, where one was expected/],
    [
      'graphs in graphs',
      () => model([nested(20)]),
      /its graphs lie more than 32 messages deep in each other/,
    ],
    [
      'functions that call themselves',
      () => model([node('f', 'own')], itself),
      /its functions call each other more than 32 deep, or without an end/,
    ],
    [
      'functions that unfold',
      () => model([node('f9', 'own')], ...doubling(10, [field(7, field(4, 'Add'))])),
      /it has 1000000000 nodes; at most 100000 are taken/,
    ],
    [
      'too many nodes',
      () => model([repeated(node('Add'), GRAPH_LIMITS.nodes + 1)]),
      /it has 100001 nodes; at most 100000/,
    ],
    [
      'too many inputs',
      () => model([repeated(named(11, 'x'), GRAPH_LIMITS.parts + 1)]),
      /it has more than 200000 nodes, tensors, inputs and outputs/,
    ],
    [
      'too many fields',
      () => model([repeated(field(13, ''), GRAPH_LIMITS.fields + 1)]),
      /it has more than 5000000 fields/,
    ],
    [
      'operators of others',
      () => model([node('Attack', 'com.example')]),
      /it calls Attack of "com\.example", whose operators ONNX Runtime does not know/,
    ],
    ['sparse tensors', () => model([field(15, '')]), /it holds sparse tensors/],
    [
      'too few bytes',
      () => model([initializer('w', [2, 3], FLOAT, raw(20))]),
      'the tensor "w" of shape [2, 3] takes 24 bytes, it has 20 bytes',
    ],
    [
      'too few values',
      () => model([initializer('w', [2, 3], FLOAT, field(4, new Uint8Array(20)))]),
      'the tensor "w" of shape [2, 3] takes 6 values, it has 5',
    ],
    [
      'no values',
      () => model([initializer('w', [1000, 1000], FLOAT)]),
      'the tensor "w" of shape [1000, 1000] takes 1000000 values, it has 0',
    ],
    [
      'values twice',
      () => model([initializer('w', [1], FLOAT, raw(4), field(4, new Uint8Array(4)))]),
      /it has 4 bytes and values beside them/,
    ],
    [
      'a size beyond integers',
      () => model([initializer('w', [2 ** 40, 2 ** 40], FLOAT, raw(4))]),
      /the tensor "w" has sides that are negative or beyond all files/,
    ],
    ['a negative side', () => model([initializer('w', [-1], FLOAT, raw(4))]), /sides that are negative/],
    [
      'a side that overflows to one',
      () => model([initializer('w', [2 ** 32, 2 ** 32, 1], FLOAT, raw(4))]),
      /beyond all files/,
    ],
    [
      'a hundred axes',
      () => model([initializer('w', new Array(100).fill(1), FLOAT, raw(4))]),
      /a tensor in it has more than 32 axes/,
    ],
    [
      'an unknown type',
      () => model([initializer('w', [1], 99, raw(4))]),
      /has the type 99, which ONNX does not know/,
    ],
    [
      'a name without an end',
      () => model([node('A'.repeat(3000))]),
      /an operator in it has a name of more than 2048 bytes/,
    ],
    ...[
      '',
      '.',
      '..',
      '../w',
      'sub/w',
      '/etc/passwd',
      '\\\\host\\w',
      'C:w',
      'C:\\w',
      'a\0b',
      '*/_ORT_MEM_ADDR_/*',
    ].map((location): [string, () => Uint8Array, RegExp] => [
      `data from ${JSON.stringify(location)}`,
      () => outside({ ...place, location }),
      /the tensor "w" is to be read from ".*"; a plain name of a file beside it was expected/,
    ]),
    ['data from nowhere', () => outside({}), /is to be read from ""; a plain name/],
    [
      'data from a file that is not there',
      () => outside({ ...place, location: 'other' }),
      /"other", which is not beside it/,
    ],
    [
      'an offset beyond the file',
      () => outside({ ...place, offset: '81' }),
      'the tensor "w" takes 20 bytes, and is to be read from bytes 81 and 20 more of "model.onnx_data", which has 100',
    ],
    ['a negative offset', () => outside({ ...place, offset: '-8' }), /from bytes -8 and 20 more/],
    ['an offset that is no number', () => outside({ ...place, offset: '0x10' }), /from bytes 0x10/],
    [
      'another length',
      () => outside({ ...place, length: '24' }),
      /takes 20 bytes, and is to be read from bytes 0 and 24 more/,
    ],
    ['a length that is negative', () => outside({ ...place, length: '-20' }), /from bytes 0 and -20 more/],
    [
      'a place that is stated twice',
      () => model([initializer('w', [5], FLOAT, external(place), external({ location: '../w' }))]),
      /states the "location" of its data twice/,
    ],
    ['texts elsewhere', () => model([initializer('w', [5], 8, external(place))]), /takes no bytes/],
    [
      'the same bytes again and again',
      () => model(new Array(6).fill(initializer('w', [5], FLOAT, external(place)))),
      'its tensors take 120 bytes from "model.onnx_data", which has 100',
    ],
    [
      'data of a constant in a node',
      () => model([field(1, field(5, field(5, tensor('c', [5], FLOAT, external({ location: '../w' })))))]),
      /the tensor "c" is to be read from/,
    ],
  ])('%s', (_, bytes, reason) => {
    expect(() => check(bytes())).toThrow(reason);
    expect(() => check(bytes())).toThrow(/^mini\/model\.onnx was refused: .*\.$/);
  });
});

describe('any damage', () => {
  /** Small enough that a byte's change is likely to hit what is checked. */
  const small = () => {
    const body = node('If', '', field(5, joined(field(1, 'then'), field(6, node('Add')))));
    return model([
      body,
      named(11, 'x'),
      named(12, 'y'),
      initializer('w', [5], FLOAT, external({ location: 'model.onnx_data', offset: '4', length: '20' })),
      initializer('b', [2, 2], FLOAT, raw(16)),
      initializer('n', [2], 7, field(7, Uint8Array.of(1, 2))),
    ]);
  };

  test('to a graph gives a summary or one sentence, and nothing is read from elsewhere', () => {
    const whole = small();
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        const bytes = whole.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          expect([[], ['model.onnx_data']]).toContainEqual(check(bytes).dataFiles);
        } catch (error) {
          expect(String(error)).toMatch(/^Error: mini\/model\.onnx was refused: [^\n]{1,500}\.$/);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('cutting it off anywhere is seen', () => {
    const whole = small();
    const beforeGraph = model([]).length - 2;
    for (let end = 0; end < whole.length; end++) {
      const reason = end > beforeGraph ? /looks cut off/ : /was refused: /;
      expect(() => check(whole.subarray(0, end))).toThrow(reason);
    }
  });
});

test('fields in any order, and fields that ONNX does not know, leave a sound graph sound', () => {
  const parts = [
    node('Add'),
    named(11, 'x'),
    named(12, 'y'),
    initializer('w', [2], FLOAT, raw(8)),
    field(2, 'name'),
  ];
  fc.assert(
    fc.property(
      fc.shuffledSubarray(parts, { minLength: parts.length }),
      fc.array(fc.tuple(fc.integer({ min: 100, max: 5000 }), fc.oneof(fc.nat(), fc.string())), {
        maxLength: 5,
      }),
      (ordered, unknown) => {
        const more = unknown.map(([number, content]) => field(number, content));
        expect(check(model([...ordered, ...more], ...more))).toEqual({
          inputs: ['x'],
          outputs: ['y'],
          opset: 20,
          producer: '',
          dataFiles: [],
        });
      },
    ),
  );
});
