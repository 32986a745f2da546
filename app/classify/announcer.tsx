// What a listener hears of the ranking: how far it is, now and then, and the outcome.

import { useEffect, useState, useSyncExternalStore } from 'react';
import { formatCount } from '../ui/format.ts';
import type { Progress } from './classifier.ts';
import { useServices } from './services.tsx';
import { useProgress } from './use-classify.ts';

/** Often enough to know that it goes on, seldom enough to listen to something else. */
const EVERY_MS = 4_000;
/** Changes that come together are one message. */
const SETTLE_MS = 600;

export function Announcer() {
  const { classifier } = useServices();
  const photos = useProgress('photos');
  const labels = useProgress('labels');
  const done = useSyncExternalStore(classifier.subscribe, () => isDone(classifier.progress()));
  const [message, setMessage] = useState('');

  // biome-ignore lint/correctness/useExhaustiveDependencies: another number of photographs or labels is another outcome
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setMessage(outcome(classifier.progress())), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [done, photos, labels, classifier]);

  useEffect(() => {
    if (done) return;
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

function outcome({ ranked, failed, labels }: Progress): string {
  const unread = failed > 0 ? ` ${formatCount(failed, 'photograph', 'photographs')} could not be read.` : '';
  return `${formatCount(ranked, 'photograph', 'photographs')} ranked by ${formatCount(labels, 'label', 'labels')}.${unread}`;
}
