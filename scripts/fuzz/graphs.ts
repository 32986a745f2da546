// Graphs: encoders of ours with damage, and messages in which any field may stand.

import { tinyModel } from '../../models/clip/fixtures/tiny-model.ts';
import { external, field, joined, model, node, repeated, tensor } from '../../models/clip/fixtures/wire.ts';
import { checkGraph } from '../../models/clip/graph-check.ts';
import { pick, type Random } from '../../models/data/random.ts';
import { below, mutated } from './mutate.ts';
import type { Bytes, Target } from './target.ts';

const LOCATIONS = [
  'model.onnx_data',
  'other',
  '',
  '.',
  '..',
  '../model.onnx_data',
  '/etc/passwd',
  'C:\\w',
  'a\0b',
  '*/_ORT_MEM_ADDR_/*',
];
const COUNTS = ['0', '8', '100', '-1', '1e3', '9007199254740993', '99999999999999999999', '', 'x'];

/** A message of any fields, in which others lie. */
function anyMessage(random: Random, depth: number): Bytes {
  const fields = Array.from({ length: below(6, random) }, () => {
    const number = pick([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 25, below(40, random)], random);
    if (random() < 0.2) return field(number, pick([0, 1, 7, 2 ** 31, -1, 2 ** 53], random));
    const content =
      depth > 0 && random() < 0.7 ? anyMessage(random, depth - 1) : 'w'.repeat(below(5, random));
    return field(number, content, random() < 0.03 ? below(2 ** 40, random) : undefined);
  });
  return joined(...fields);
}

const anyTensor = (random: Random): Bytes => {
  const dims = Array.from({ length: below(4, random) }, () => pick([0, 1, 2, 4, -1, 2 ** 40], random));
  const count = dims.reduce((product, side) => product * side, 1);
  const values = pick(
    [
      () => field(9, new Uint8Array(Math.min(4 * Math.abs(count), 64))),
      () => field(pick([4, 5, 6, 7, 10, 11], random), new Uint8Array(below(20, random))),
      () =>
        external({
          location: pick(LOCATIONS, random),
          offset: pick(COUNTS, random),
          length: pick(COUNTS, random),
        }),
      () => external({ location: 'model.onnx_data' }),
    ],
    random,
  )();
  return tensor('w', dims, pick([1, 1, 1, 6, 7, 8, 22, 14, 99], random), values);
};

function anyNode(random: Random, depth: number): Bytes {
  const inside = pick(
    [
      () => field(6, depth > 0 ? anyNode(random, depth - 1) : ''),
      () => field(5, anyTensor(random)),
      () => field(3, 1),
    ],
    random,
  );
  return node(
    pick(['Add', 'If', 'f0', 'f1'], random),
    pick(['', 'com.microsoft', 'own', 'com.example'], random),
    field(5, inside()),
  );
}

function anyModel(random: Random): Bytes {
  const parts = Array.from({ length: 1 + below(6, random) }, () =>
    pick(
      [
        () => anyNode(random, below(14, random)),
        () => field(5, anyTensor(random)),
        () => field(pick([11, 12, 13], random), joined(field(1, 'x'), field(2, anyMessage(random, 3)))),
        () => anyMessage(random, 4),
        () =>
          repeated(
            pick([field(13, ''), node('Add'), field(11, '')], random),
            below(random() < 0.01 ? 300_000 : 50, random),
          ),
      ],
      random,
    )(),
  );
  const functions = Array.from({ length: below(4, random) }, (_, i) =>
    field(
      25,
      joined(
        field(1, `f${i}`),
        field(10, 'own'),
        ...[0, 1, 2].map(() => field(7, joined(field(4, `f${below(4, random)}`), field(7, 'own')))),
      ),
    ),
  );
  return model(parts, ...functions);
}

export async function graphTarget(): Promise<Target> {
  const encoders = [...(await tinyModel())]
    .filter(([path]) => path.endsWith('.onnx'))
    .map(([, bytes]) => bytes);
  const place = { location: 'model.onnx_data', offset: '8', length: '32' };
  const little = model([
    node('Add', '', field(5, field(5, tensor('c', [2], 1, field(9, new Uint8Array(8)))))),
    field(5, tensor('w', [2, 4], 1, external(place))),
    field(11, field(1, 'x')),
    field(12, field(1, 'y')),
  ]);
  const beside = new Map([['model.onnx_data', 100]]);
  return {
    name: 'graph',
    names: /^mini\/model\.onnx /,
    make: (random) =>
      random() < 0.5 ? mutated([...encoders, little, little, little], random) : anyModel(random),
    read(bytes) {
      const { dataFiles } = checkGraph(bytes, 'mini/model.onnx', beside);
      if (dataFiles.some((name) => !beside.has(name))) throw new TypeError(`It would read ${dataFiles}.`);
    },
  };
}
