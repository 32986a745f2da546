// What the visitor decided, as one value: labels, templates, how the photographs are shown, and which model ranks them.

import type { ModelChoice } from '../inference/types.ts';
import type { Certainty } from './certainty.ts';

export type Sort =
  | { readonly by: 'added' }
  | { readonly by: 'name' }
  | { readonly by: 'certainty'; readonly first: 'most' | 'least' }
  /** By one label's probability, highest first. */
  | { readonly by: 'label'; readonly label: string };

export interface View {
  readonly labels: readonly string[];
  readonly templates: readonly string[];
  readonly layout: 'grid' | 'table';
  readonly sort: Sort;
  /** Only photographs whose best label is this one. */
  readonly onlyLabel: string | null;
  readonly onlyCertainty: Certainty | null;
  readonly model: ModelChoice;
  /** A second model, whose answers stand beside the first one's; null where there is none. */
  readonly beside: ModelChoice | null;
}

/** A sort or a filter that names a label which is gone has no meaning any more. */
export function withLabels(view: View, labels: readonly string[]): View {
  const has = (label: string) => labels.includes(label);
  return {
    ...view,
    labels,
    sort: view.sort.by === 'label' && !has(view.sort.label) ? { by: 'added' } : view.sort,
    onlyLabel: view.onlyLabel !== null && !has(view.onlyLabel) ? null : view.onlyLabel,
  };
}
