// A view as the part of an address behind `#`, which no server sees, and back.
//
//   #label=cat&label=a+red+bus&template=a+photo+of+a+{}.&sort=label&of=cat&only=cat&certainty=sure&view=table
//   #model=device:Xenova/mobileclip_s0&precision=q8&beside=promptlens-mini
//
// What is not named has its default; `label=` alone is an empty list. Anything unknown or malformed is left out: an
// address is typed, cut and mangled on its way, and what can be read of it is still a view.

import { PRECISIONS } from '../../models/clip/encoder-files.ts';
import type { ModelChoice } from '../inference/types.ts';
import { CERTAINTIES, type Certainty } from './certainty.ts';
import type { Sort, View } from './view.ts';
import { LABELS, TEMPLATES, tidyWords, type WordKind, wordsKey } from './words.ts';

export function parseFragment(fragment: string, defaults: View): View {
  const params = new URLSearchParams(fragment.startsWith('#') ? fragment.slice(1) : fragment);
  const labels = parseList(params, 'label', LABELS, defaults.labels);
  const templates = parseList(params, 'template', TEMPLATES, defaults.templates);
  const only = params.get('only');
  const certainty = params.get('certainty');
  return {
    labels,
    // Without a template there is no prompt.
    templates: templates.length > 0 ? templates : defaults.templates,
    layout: params.get('view') === 'table' ? 'table' : 'grid',
    sort: parseSort(params, labels),
    onlyLabel: only !== null && labels.includes(only) ? only : null,
    onlyCertainty: isCertainty(certainty) ? certainty : null,
    model: parseChoice(params, 'model', 'precision') ?? defaults.model,
    beside: parseChoice(params, 'beside', 'beside-precision'),
  };
}

export function formatFragment(view: View, defaults: View): string {
  const params = new URLSearchParams();
  if (!sameList(view.labels, defaults.labels)) {
    for (const label of view.labels.length > 0 ? view.labels : ['']) params.append('label', label);
  }
  if (!sameList(view.templates, defaults.templates)) {
    for (const template of view.templates) params.append('template', template);
  }
  switch (view.sort.by) {
    case 'added':
      break;
    case 'name':
      params.set('sort', 'name');
      break;
    case 'certainty':
      params.set('sort', view.sort.first === 'most' ? 'certainty' : 'uncertainty');
      break;
    case 'label':
      params.set('sort', 'label');
      params.set('of', view.sort.label);
      break;
    default:
      view.sort satisfies never;
  }
  if (view.onlyLabel !== null) params.set('only', view.onlyLabel);
  if (view.onlyCertainty !== null) params.set('certainty', view.onlyCertainty);
  if (view.layout === 'table') params.set('view', 'table');
  if (!sameChoice(view.model, defaults.model)) formatChoice(params, view.model, 'model', 'precision');
  if (view.beside !== null) formatChoice(params, view.beside, 'beside', 'beside-precision');
  return params.toString();
}

function parseList(
  params: URLSearchParams,
  name: string,
  kind: WordKind,
  fallback: readonly string[],
): readonly string[] {
  if (!params.has(name)) return fallback;
  const list: string[] = [];
  const keys = new Set<string>();
  for (const value of params.getAll(name)) {
    const words = tidyWords(value);
    if (words === '' || kind.problem(words) !== null || keys.has(wordsKey(words))) continue;
    if (list.length === kind.limit) break;
    keys.add(wordsKey(words));
    list.push(words);
  }
  return list;
}

function parseSort(params: URLSearchParams, labels: readonly string[]): Sort {
  const label = params.get('of');
  switch (params.get('sort')) {
    case 'name':
      return { by: 'name' };
    case 'certainty':
      return { by: 'certainty', first: 'most' };
    case 'uncertainty':
      return { by: 'certainty', first: 'least' };
    case 'label':
      return label !== null && labels.includes(label) ? { by: 'label', label } : { by: 'added' };
    default:
      return { by: 'added' };
  }
}

/** Whether there is such a model is found out when it is loaded. */
function parseChoice(params: URLSearchParams, name: string, precisionName: string): ModelChoice | null {
  const model = params.get(name);
  if (model === null || model === '' || model.length > MAX_MODEL_NAME) return null;
  const precision = params.get(precisionName);
  return { model, precision: PRECISIONS.find((each) => each === precision) ?? 'auto' };
}
/** An address of a folder, at its longest. */
const MAX_MODEL_NAME = 500;

function formatChoice(
  params: URLSearchParams,
  { model, precision }: ModelChoice,
  name: string,
  precisionName: string,
): void {
  params.set(name, model);
  if (precision !== 'auto') params.set(precisionName, precision);
}

function sameChoice(a: ModelChoice, b: ModelChoice): boolean {
  return a.model === b.model && a.precision === b.precision;
}

function isCertainty(value: string | null): value is Certainty {
  return CERTAINTIES.some((certainty) => certainty === value);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((entry, index) => entry === b[index]);
}
