// Label smoothing (Szegedy et al. 2016, "Rethinking the inception architecture for computer vision", section 7) among kin alone, as
// soft labels follow a hierarchy in Bertinetto et al. 2020, "Making better mistakes": a part of each picture's target goes to the
// batch's captions of its concept's siblings, a tabby's to "Egyptian cat", and a part of each caption's to their pictures. So a
// sibling is a better answer than a bus, and the word of a concept without a picture lands near its kin.

import { groupBy } from '../clip/group-by.ts';
import type { PairKeys } from '../data/pair-keys.ts';
import type { LossInputs } from './contrastive-loss.ts';

/**
 * The softmax loss's inputs with that share of each target in equal parts among kin; a pair without kin in its batch keeps all.
 * What the mask takes out and what is true is no kin.
 */
export function smoothOverKin(inputs: LossInputs, keys: readonly PairKeys[], share: number): LossInputs {
  const size = keys.length;
  const { mask } = inputs;
  const caption_targets = inputs.caption_targets.slice();
  const picture_targets = inputs.picture_targets.slice();
  const captionsUnder = groupBy(keys.keys(), (caption) => keys[caption].kin?.ofCaption ?? []);
  const captionsOf = keys.map(({ kin }, picture) => {
    const related = new Set((kin?.ofPicture ?? []).flatMap((concept) => captionsUnder.get(concept) ?? []));
    return [...related].filter((caption) => {
      const place = picture * size + caption;
      return mask[place] === 0 && inputs.caption_targets[place] === 0;
    });
  });
  const picturesOf = keys.map((): number[] => []);
  for (const [picture, captions] of captionsOf.entries())
    for (const caption of captions) picturesOf[caption].push(picture);

  for (let i = 0; i < size; i++) {
    giveAway(caption_targets, { first: i * size, step: 1, size }, captionsOf[i], share);
    giveAway(picture_targets, { first: i, step: size, size }, picturesOf[i], share);
  }
  return { ...inputs, caption_targets, picture_targets };
}

/** Of a row or a column of [size, size]; it sums to 1 / size before and after. */
function giveAway(
  targets: Float32Array,
  { first, step, size }: { readonly first: number; readonly step: number; readonly size: number },
  kin: readonly number[],
  share: number,
): void {
  if (kin.length === 0) return;
  for (let i = 0; i < size; i++) targets[first + i * step] *= 1 - share;
  for (const i of kin) targets[first + i * step] += share / kin.length / size;
}
