// How an encoder's graph is run: which of its inputs and outputs, and with texts of which length. Exporters differ here, and a
// session says what it has: further outputs (last_hidden_state, pooler_output), a text encoder that asks for attention_mask or
// takes texts of one length only (MobileCLIP's). What contradicts the folder is refused before anything is run.

import type { ModelFolder } from './model-folder.ts';
import { imageSize } from './preprocess.ts';
import type { Encoder, EncodingBatch } from './types.ts';

/** An onnxruntime session, in what it says of its graph. */
export interface GraphSignature {
  readonly inputMetadata: readonly GraphValue[];
  readonly outputMetadata: readonly GraphValue[];
}

interface GraphValue {
  readonly name: string;
  readonly type?: string;
  /** A number where the length is fixed, a name where it is not; empty where the graph does not say. */
  readonly shape?: readonly (number | string)[];
}

export interface EncoderBinding {
  /** pixel_values or input_ids. */
  readonly input: string;
  /** True where the text encoder asks for attention_mask beside the ids. */
  readonly takesAttentionMask: boolean;
  /** Tokens that every text has to have, padding included; null where the graph takes any number. */
  readonly sequence: number | null;
  /** image_embeds or text_embeds; other outputs need not be computed. */
  readonly output: string;
}

const NAMES = {
  vision_model: { input: 'pixel_values', type: 'float32', output: 'image_embeds' },
  text_model: { input: 'input_ids', type: 'int64', output: 'text_embeds' },
} as const satisfies Record<Encoder, { input: string; type: string; output: string }>;
const MASK = 'attention_mask';

/** Throws a sentence where the graph lacks the projected embedding, asks for what we cannot give, or contradicts the folder. */
export function bindEncoder(
  encoder: Encoder,
  { inputMetadata, outputMetadata }: GraphSignature,
  folder: Pick<ModelFolder, 'preprocessing' | 'tokenizer'>,
): EncoderBinding {
  const { input, type, output } = NAMES[encoder];
  const inputs = new Map(inputMetadata.map((value) => [value.name, value]));
  const outputs = outputMetadata.map(({ name }) => name);
  const given = inputs.get(input);
  const takesAttentionMask = encoder === 'text_model' && inputs.has(MASK);
  if (given === undefined || inputs.size > (takesAttentionMask ? 2 : 1)) {
    throw new Error(
      `The ${encoder} takes ${[...inputs.keys()].join(', ') || 'nothing'}; ${input} alone was expected. Export it with that input, or choose another model.`,
    );
  }
  if (!outputs.includes(output)) {
    throw new Error(
      `The ${encoder} gives ${outputs.join(', ') || 'nothing'}; ${output} was expected (export it with its projection).`,
    );
  }
  for (const value of inputs.values()) {
    if (value.type !== type)
      throw new Error(
        `The ${encoder} takes ${value.name} as ${value.type}; ${type} was expected. Export it with inputs of that type, or choose another precision.`,
      );
  }
  const [batch, ...axes] = given.shape ?? [];
  if (typeof batch === 'number') {
    throw new Error(
      `The ${encoder} takes ${batch} at a time, no more and no fewer; export it with a batch axis of any length.`,
    );
  }
  const sequence = encoder === 'text_model' ? sequenceOf(axes, folder) : null;
  if (encoder === 'vision_model') checkPictures(axes, folder);
  return { input, takesAttentionMask, sequence, output };
}

function checkPictures(
  [, height, width]: readonly (number | string)[],
  { preprocessing }: Pick<ModelFolder, 'preprocessing'>,
): void {
  const made = imageSize(preprocessing);
  const differs = (fixed: number | string | undefined, side: number) =>
    typeof fixed === 'number' && fixed !== side;
  if (differs(height, made.height) || differs(width, made.width)) {
    throw new Error(
      `The vision_model sees pictures of ${width}×${height}, preprocessor_config.json makes them ${made.width}×${made.height}.`,
    );
  }
}

function sequenceOf(
  [sequence]: readonly (number | string)[],
  { tokenizer }: Pick<ModelFolder, 'tokenizer'>,
): number | null {
  if (typeof sequence !== 'number') return null;
  if (sequence < tokenizer.contextLength) {
    throw new Error(
      `The text_model takes ${sequence} tokens, and the folder's tokenizer cuts texts at ${tokenizer.contextLength}; tokenizer_config.json should have ${sequence} as its model_max_length.`,
    );
  }
  return sequence;
}

/** Prompts as a text encoder's inputs, by name: filled up with `padTokenId` to its one length where it has one. */
export function textInputs(
  { input, takesAttentionMask, sequence }: EncoderBinding,
  prompts: EncodingBatch,
  padTokenId: number,
): Record<string, Pick<EncodingBatch, 'dims'> & { readonly data: BigInt64Array<ArrayBuffer> }> {
  const [batch, longest] = prompts.dims;
  const length = sequence ?? longest;
  const filled = (ids: BigInt64Array<ArrayBuffer>, filler: number) => {
    if (length === longest) return ids;
    const data = new BigInt64Array(batch * length).fill(BigInt(filler));
    for (let row = 0; row < batch; row++)
      data.set(ids.subarray(row * longest, (row + 1) * longest), row * length);
    return data;
  };
  const dims = [batch, length] as const;
  const ids = { [input]: { data: filled(prompts.input_ids, padTokenId), dims } };
  return takesAttentionMask ? { ...ids, [MASK]: { data: filled(prompts.attention_mask, 0), dims } } : ids;
}
