// A prompt is a template with a label in it: 'a photo of a {}.' and 'cat' give 'a photo of a cat.' Labels are words, never
// patterns: '$&' or '{}' in a label arrives in the prompt as it is. An ensemble is several templates for the same label;
// their vectors are averaged in ranking.ts.

/** A ready set of templates that a page or a command can offer. */
export interface TemplateSet {
  readonly id: string;
  readonly name: string;
  /** One line for a person who chooses. */
  readonly description: string;
  readonly templates: readonly string[];
}

/** Where a label goes; open_clip's lists say `{}`, others `{label}`. */
const PLACE = /\{(?:label)?\}/;

export const TEMPLATE_SETS = [
  {
    id: 'photo',
    name: 'A photo of …',
    description: 'One plain sentence; right for most photographs.',
    templates: ['a photo of a {}.'],
  },
  {
    id: 'ensemble',
    name: 'Photographs, several wordings',
    description: 'Seven wordings, averaged: steadier than one, at seven prompts a label.',
    templates: [
      'a photo of a {}.',
      'a photo of the {}.',
      'a photo of some {}.',
      'a close-up photo of a {}.',
      'a photo of a {} seen from afar.',
      'a dark, blurry photo of a {}.',
      'a picture with a {} in it.',
    ],
  },
  {
    id: 'label',
    name: 'The label alone',
    description: 'Nothing around the label; for labels that are whole sentences.',
    templates: ['{}'],
  },
  {
    id: 'scene',
    name: 'Places and scenes',
    description: 'For rooms, landscapes and places.',
    templates: [
      'a photo of a {}.',
      'a view of the {}.',
      'a photo taken in a {}.',
      'inside or in front of a {}.',
    ],
  },
  {
    id: 'product',
    name: 'Things in a shop',
    description: 'For single things, clothes and groceries.',
    templates: [
      'a {}.',
      'a product photo of a {}.',
      'a photo of a {} on a white background.',
      'a {} on a shelf.',
    ],
  },
  {
    id: 'activity',
    name: 'What people do',
    description: 'For sports, work and play.',
    templates: ['a photo of {}.', 'a photo of people {}.', 'someone is {}.', 'a picture of a moment of {}.'],
  },
] as const satisfies readonly TemplateSet[];

export type TemplateSetId = (typeof TEMPLATE_SETS)[number]['id'];

/** The templates of a ready set. */
export function templateSet(id: TemplateSetId): readonly string[] {
  for (const set of TEMPLATE_SETS) if (set.id === id) return set.templates;
  throw new Error(`There is no set of templates named ${id}.`);
}

/** True where `template` says where its label goes, by `{}` or `{label}`. */
export function hasPlace(template: string): boolean {
  return PLACE.test(template);
}

/** `template` with `label` at each of its places. Throws a sentence where the template has none. */
export function fillTemplate(template: string, label: string): string {
  const pieces = template.split(PLACE);
  if (pieces.length === 1) {
    throw new Error(
      `The template ${JSON.stringify(template)} has no place for the label; write {} where it goes.`,
    );
  }
  return pieces.join(label);
}

/** Every label in every template, label by label: prompt `l * templates.length + t` is label l in template t. */
export function expandPrompts(labels: readonly string[], templates: readonly string[]): string[] {
  return labels.flatMap((label) => templates.map((template) => fillTemplate(template, label)));
}
