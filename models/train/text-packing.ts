// Captions laid one behind the other into rows of the longest's length (Krell et al. 2021, "Efficient sequence packing without
// cross-contamination"): most captions are half as long as the longest, and a text tower that reads padding works for nothing. What
// lies in a row does not see each other; the vectors are those of each caption alone.

import * as ort from 'onnxruntime-node';
import type { TextConfig } from '../clip/config.ts';
import type { EncodingBatch } from '../clip/types.ts';
import { MASKED, type PackedTexts } from '../networks/text-transformer.ts';
import type { Graph } from '../onnx/graph.ts';
import { type Dim, productOf } from '../onnx/shapes.ts';
import { floats, type Tensors } from './graph-session.ts';

/**
 * The inputs of a graph that reads `texts` captions in rows of `tokens`.
 * @param rows how many, where that is known; it is as many as a batch fills
 */
export function packedTextInputs(g: Graph, texts: number, tokens: number, rows: Dim = 'rows'): PackedTexts {
  const input = (name: string, dims: readonly Dim[]) => g.input(name, 'float32', dims);
  return {
    inputIds: g.input('input_ids', 'int64', [rows, tokens]),
    places: input('places', [rows, tokens, tokens]),
    mask: input('text_mask', [rows, 1, tokens, tokens]),
    ends: input('ends', [texts, productOf([rows, tokens])]),
    rowOf: input('row_of', [texts, rows]),
    endMask: input('end_mask', [texts, 1, 1, tokens]),
  };
}

interface Place {
  readonly row: number;
  readonly start: number;
  readonly length: number;
}

/**
 * What those inputs are for some captions of a batch.
 * @throws where a caption is longer than a row
 */
export function packTexts(
  { input_ids, dims }: Pick<EncodingBatch, 'input_ids' | 'dims'>,
  { from, count, tokens }: { from: number; count: number; tokens: number },
  config: Pick<TextConfig, 'eos_token_id'>,
): Tensors {
  const [, sequence] = dims;
  const captions = Array.from({ length: count }, (_, i) =>
    input_ids.subarray((from + i) * sequence, (from + i + 1) * sequence),
  );
  const { places, rows } = placesOf(
    captions.map((ids) => lengthOf(ids, config)),
    tokens,
  );
  const ids = new BigInt64Array(rows * tokens);
  const ordinals = new Float32Array(rows * tokens * tokens);
  const mask = new Float32Array(rows * tokens * tokens).fill(MASKED);
  // Nobody reads what is left over of a row; a place that sees nothing at all would be no number.
  for (let at = 0; at < rows * tokens; at++) mask[at * tokens + (at % tokens)] = 0;
  const ends = new Float32Array(count * rows * tokens);
  const rowOf = new Float32Array(count * rows);
  const endMask = new Float32Array(count * tokens).fill(MASKED);
  for (const [i, { row, start, length }] of places.entries()) {
    for (let place = 0; place < length; place++) {
      const at = row * tokens + start + place;
      ids[at] = captions[i][place];
      ordinals[at * tokens + place] = 1;
      mask.fill(0, at * tokens + start, at * tokens + start + place + 1);
    }
    ends[i * rows * tokens + row * tokens + start + length - 1] = 1;
    rowOf[i * rows + row] = 1;
    endMask.fill(0, i * tokens + start, i * tokens + start + length);
  }
  return {
    input_ids: new ort.Tensor('int64', ids, [rows, tokens]),
    places: floats(ordinals, [rows, tokens, tokens]),
    text_mask: floats(mask, [rows, 1, tokens, tokens]),
    ends: floats(ends, [count, rows * tokens]),
    row_of: floats(rowOf, [count, rows]),
    end_mask: floats(endMask, [count, 1, 1, tokens]),
  };
}

/** The longest first, each into the fullest row that has room for it. */
export function placesOf(
  lengths: readonly number[],
  tokens: number,
): { readonly places: readonly Place[]; readonly rows: number } {
  const longest = Math.max(...lengths);
  if (longest > tokens)
    throw new Error(`A caption of ${longest} tokens does not fit into a row of ${tokens}.`);
  const places: Place[] = new Array(lengths.length);
  /** Rows by the room that is left in them. */
  const open: number[][] = Array.from({ length: tokens + 1 }, () => []);
  let rows = 0;
  const order = Array.from(lengths.keys()).sort((a, b) => lengths[b] - lengths[a] || a - b);
  for (const i of order) {
    const length = lengths[i];
    let room = length;
    while (room < tokens && open[room].length === 0) room++;
    const row = open[room].pop() ?? rows++;
    places[i] = { row, start: tokens - room, length };
    open[room - length].push(row);
  }
  return { places, rows };
}

/** Up to its end token: the first of its kind, or, as old configurations with token 2 mean, the largest id. */
function lengthOf(ids: BigInt64Array, { eos_token_id }: Pick<TextConfig, 'eos_token_id'>): number {
  const end = eos_token_id === 2 ? ids.reduce((most, id) => (id > most ? id : most)) : BigInt(eos_token_id);
  const at = ids.indexOf(end);
  return at < 0 ? ids.length : at + 1;
}
