// Published models, one press away for a visitor who is online.

import { useSyncExternalStore } from 'react';
import type { Precision } from '../../models/clip/types.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { PUBLISHED } from './published.ts';

interface PublishedModelsProps {
  readonly hub: string;
  readonly has: (id: string) => boolean;
  readonly onAdd: (id: string, precision: Precision) => void;
}

export function PublishedModels({ hub, has, onAdd }: PublishedModelsProps) {
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  const { host } = new URL(hub);
  return (
    <section aria-labelledby="models-published">
      <h3 id="models-published">Published models</h3>
      {!online && (
        <p className="models-note">
          This device is offline: what is kept on it works, and nothing can be added.
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
                aria-label={has(id) ? `${name} is here` : `Add ${name}`}
                disabled={!online || has(id)}
                onClick={() => onAdd(id, precision)}
              >
                {has(id) ? (
                  'On this device'
                ) : (
                  <>
                    <Icon name="download" size={18} /> Add
                  </>
                )}
              </Button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}
