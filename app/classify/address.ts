// A view as the part of an address behind `#`, which no server sees, and back.
//
//   #label=cat&label=a+red+bus&template=a+photo+of+a+{}.&sort=label&of=cat&only=cat&certainty=sure&view=table
//
// What is not named has its default; `label=` alone is an empty list. Anything unknown or malformed is left out: an
// address is typed, cut and mangled on its way, and what can be read of it is still a view.

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

function isCertainty(value: string | null): value is Certainty {
  return CERTAINTIES.some((certainty) => certainty === value);
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((entry, index) => entry === b[index]);
}
