// Whether a checkpoint holds just what a network of config.json has: no tensor missing, none of another shape, none too many.

import { shown } from '../../clip/checked.ts';
import type { ClipConfig } from '../../clip/config.ts';
import { isFloat } from '../../clip/safetensors.ts';
import { encoderParameters } from '../../networks/clip.ts';
import { storedShape } from '../../networks/weights.ts';
import type { NamedTensor } from './named-tensors.ts';

/** Beside the encoders: the temperature, and SigLIP's bias. */
const SCALARS = ['logit_scale', 'logit_bias'];
/** So many names tell what is wrong; a thousand would bury it. */
const MOST_NAMED = 3;
/** Characters of a name with the shapes that were found and expected. */
const NAMED_LENGTH = 200;

/**
 * The tensors of the network, in the checkpoint's types, and its temperature.
 * @throws a sentence with the tensors' names, what was found, what was expected and what to do
 */
export function fitted(
  tensors: ReadonlyMap<string, NamedTensor>,
  config: ClipConfig,
  fileName: string,
): Map<string, NamedTensor> {
  const parameters = encoderParameters(config);
  const refused = (what: string, names: readonly string[], advice: string) => {
    const listed = names
      .slice(0, MOST_NAMED)
      .map((name) => shown(name, NAMED_LENGTH))
      .join(', ');
    const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
    return new Error(`${fileName} was refused: ${what} ${listed}${more}. ${advice}`);
  };
  const missing = parameters.filter(({ name }) => !tensors.has(name));
  if (!tensors.has('logit_scale') || missing.length > 0) {
    const told = missing.map((parameter) => `${parameter.name} [${storedShape(parameter).join(', ')}]`);
    throw refused(
      'it lacks what a CLIP of this size has:',
      tensors.has('logit_scale') ? told : [...told, 'logit_scale []'],
      'Name a checkpoint of a whole CLIP, and where a configuration lies beside it, its own.',
    );
  }
  const expected = new Map<string, readonly number[]>([
    ...parameters.map((parameter) => [parameter.name, storedShape(parameter)] as const),
    ...SCALARS.map((name) => [name, []] as const),
  ]);
  const extra = [...tensors.keys()].filter((name) => !expected.has(name));
  if (extra.length > 0) {
    throw refused(
      'it holds what no CLIP of the paper has:',
      extra.map((name) => tensors.get(name)?.origin ?? name),
      "Name a checkpoint of one of the paper's networks; others are not imported here.",
    );
  }
  const others = [...tensors].filter(([name, { dtype, shape }]) => {
    const wanted = expected.get(name) ?? [];
    // A scalar may be a vector of one.
    const same = wanted.length === 0 ? shape.every((side) => side === 1) : shape.join() === wanted.join();
    return !same || !isFloat(dtype);
  });
  if (others.length > 0) {
    throw refused(
      'tensors have other shapes or types than the network:',
      others.map(
        ([name, { origin, dtype, shape }]) =>
          `${origin} is ${dtype} [${shape.join(', ')}], expected floating-point [${expected.get(name)?.join(', ')}]`,
      ),
      'Put the configuration beside it that it came with, or name another checkpoint.',
    );
  }
  return new Map(
    Array.from(tensors, ([name, tensor]) => [name, { ...tensor, shape: expected.get(name) ?? [] }] as const),
  );
}
