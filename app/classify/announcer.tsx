// What a listener hears of the ranking: how far it is, now and then, and the outcome.

import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { formatCount } from '../ui/format.ts';
import type { Progress } from './classifier.ts';
import { useServices } from './services.tsx';
import { useProgress } from './use-classify.ts';
import type { View } from './view.ts';

/** Often enough to know that it goes on, seldom enough to listen to something else. */
const EVERY_MS = 4_000;
/** Changes that come together are one message. */
const SETTLE_MS = 600;

export function Announcer() {
  const { classifier, address } = useServices();
  const view = useSyncExternalStore(address.subscribe, address.view);
  const words = useMemo(() => wordsOf(view), [view]);
  const photos = useProgress('photos');
  const labels = useProgress('labels');
  const done = useSyncExternalStore(classifier.subscribe, () => isDone(classifier.progress()));
  const [message, setMessage] = useState('');

  // biome-ignore lint/correctness/useExhaustiveDependencies: with other photographs or words it is another outcome
  useEffect(() => {
    if (!done) return;
    // The same sentence is heard again only where it was gone meanwhile.
    setMessage('');
    const timer = setTimeout(() => setMessage(outcome(classifier.progress())), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [done, photos, labels, words, classifier]);

  useEffect(() => {
    if (done) return;
    // The next outcome may be the same sentence; it is heard again only where it was gone.
    setMessage('');
    const timer = setInterval(() => {
      const now = classifier.progress();
      if (now.photos > 0)
        setMessage(
          `${now.ranked + now.failed} of ${formatCount(now.photos, 'photograph', 'photographs')} ranked.`,
        );
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [done, classifier]);

  return (
    <div className="visually-hidden" role="status">
      {message}
    </div>
  );
}

function isDone({ photos, ranked, failed, labels, labelsReady }: Progress): boolean {
  return photos > 0 && ranked + failed === photos && labels === labelsReady;
}

/** The same for the same words in another order, which change no ranking. */
function wordsOf({ labels, templates }: View): string {
  return [...[...labels].sort(), ...[...templates].sort()].join('\n');
}

function outcome({ ranked, failed, labels }: Progress): string {
  if (labels === 0) return 'There is no label to rank the photographs by.';
  const unread = failed > 0 ? ` ${formatCount(failed, 'photograph', 'photographs')} could not be read.` : '';
  return `${formatCount(ranked, 'photograph', 'photographs')} ranked by ${formatCount(labels, 'label', 'labels')}.${unread}`;
}
