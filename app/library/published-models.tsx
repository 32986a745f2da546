// Published models, one press away for a visitor who is online.

import { useSyncExternalStore } from 'react';
import type { Precision } from '../../models/clip/types.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { PUBLISHED } from './published.ts';

interface PublishedModelsProps {
  /** Null while it is not known. */
  readonly hub: string | null;
  readonly stateOf: (id: string) => 'here' | 'coming' | 'away';
  readonly onAdd: (id: string, precision: Precision) => void;
}

export function PublishedModels({ hub, stateOf, onAdd }: PublishedModelsProps) {
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  const host = hub === null ? 'the hub' : new URL(hub).host;
  return (
    <section aria-labelledby="models-published">
      <h3 id="models-published">Published models</h3>
      {!online && (
        <p className="models-note">
          This device is offline: what is kept on it works, and nothing can be downloaded.
        </p>
      )}
      <ul className="model-list">
        {PUBLISHED.map(({ id, name, goodFor, license, precision, bytes }) => (
          <li key={id} className="model" aria-label={name}>
            <div className="model-words">
              <p className="model-name">{name}</p>
              <p className="model-facts">{goodFor}</p>
              <p className="model-facts numbers">
                {license} · about {formatBytes(bytes)} ({precision}) from {host}
              </p>
            </div>
            <div className="model-actions">
              <Button
                aria-label={STATES[stateOf(id)](name)}
                disabled={!online || hub === null || stateOf(id) !== 'away'}
                onClick={() => onAdd(id, precision)}
              >
                {stateOf(id) === 'away' && <Icon name="download" size={18} />}
                {stateOf(id) === 'away' ? 'Add' : stateOf(id) === 'here' ? 'On this device' : 'Adding…'}
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

const STATES = {
  here: (name: string) => `${name} is on this device`,
  coming: (name: string) => `${name} is being added`,
  away: (name: string) => `Add ${name}`,
};

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}
