// Two models side by side on the same photographs: what they are called, and how often they agree.

import { useMemo } from 'react';
import { deviceWords } from '../inference/device-words.ts';
import { titleOf } from '../inference/place.ts';
import type { ModelChoice, ModelReport } from '../inference/types.ts';
import { Button } from '../ui/button.tsx';
import { formatCount } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import type { Classifier } from './classifier.ts';
import { loadingWords } from './loading-words.ts';
import type { Photo } from './photos.ts';
import { useServices } from './services.tsx';
import { type Model, useResultsVersion } from './use-classify.ts';
import type { View } from './view.ts';
import './compared.css';

export interface Compared {
  readonly first: string;
  readonly second: string;
}

/** The two models' names; null where one ranks alone. */
export function useCompared(
  view: View,
  first: ModelReport | null,
  second: ModelReport | null,
): Compared | null {
  return useMemo(() => {
    if (view.beside === null) return null;
    // Two owners may have given the same name.
    const isShared = first?.model === second?.model && view.model.model !== view.beside.model;
    const nameOf = (choice: ModelChoice, report: ModelReport | null) => {
      const title = titleOf(choice.model);
      return report === null ? title : `${isShared ? title : report.model}, ${report.precision}`;
    };
    return { first: nameOf(view.model, first), second: nameOf(view.beside, second) };
  }, [view.model, view.beside, first, second]);
}

interface BesideBarProps {
  readonly name: string;
  readonly model: Model;
  readonly photos: readonly Photo[];
  readonly onStop: () => void;
}

/** What stands beside, in one line. */
export function BesideBar({
  name,
  model: { report, progress, problem, reload },
  photos,
  onStop,
}: BesideBarProps) {
  const loading = report === null || progress !== null;
  return (
    <section className="beside" aria-label="The model beside">
      {problem !== null ? (
        <p className="beside-problem" role="alert">
          {name}: {problem}
        </p>
      ) : (
        <p className="numbers">
          Beside it: <strong>{name}</strong>{' '}
          {loading ? `– ${loadingWords(progress)}` : `on ${deviceWords(report)}`}
          {!loading && <Agreement photos={photos} />}
        </p>
      )}
      {problem !== null && <Button onClick={reload}>Try again</Button>}
      <Button look="quiet" onClick={onStop}>
        <Icon name="close" size={16} /> One model alone
      </Button>
    </section>
  );
}

function Agreement({ photos }: { readonly photos: readonly Photo[] }) {
  const { classifier, beside } = useServices();
  const first = useResultsVersion(classifier);
  const second = useResultsVersion(beside.classifier);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the versions stand for all results
  const { agreed, both } = useMemo(
    () => agreement(photos, classifier, beside.classifier),
    [photos, classifier, beside.classifier, first, second],
  );
  if (both === 0) return null;
  return ` · the same label is best for ${agreed.toLocaleString('en')} of ${formatCount(both, 'photograph', 'photographs')}`;
}

function agreement(photos: readonly Photo[], first: Classifier, second: Classifier) {
  let agreed = 0;
  let both = 0;
  for (const { id } of photos) {
    const a = bestLabel(first, id);
    const b = bestLabel(second, id);
    if (a === null || b === null) continue;
    both += 1;
    if (a === b) agreed += 1;
  }
  return { agreed, both };
}

function bestLabel(classifier: Classifier, id: string | null): string | null {
  const result = classifier.result(id);
  return result.state === 'ranked' && result.ranking !== null ? result.ranking.best.label : null;
}
