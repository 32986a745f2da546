// A model that is on its way to this device, or stopped on the way.

import type { DeviceModel } from '../storage/device-models.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import type { Addition } from './additions.ts';
import { RemoveButton } from './model-row.tsx';

interface AdditionRowProps {
  readonly addition: Addition;
  readonly onDismiss: () => void;
}

export function AdditionRow({ addition, onDismiss }: AdditionRowProps) {
  const { id, loadedBytes, totalBytes, problem } = addition;
  if (problem !== null) {
    return (
      <li className="model" aria-label={id}>
        <div className="model-words">
          <p className="model-name">{id}</p>
          <p className="model-problem" role="alert">
            <Icon name="warning" size={14} /> {problem}
          </p>
        </div>
        <div className="model-actions">
          <Button onClick={onDismiss}>Close</Button>
        </div>
      </li>
    );
  }
  const words =
    totalBytes === 0
      ? 'Asking what it holds…'
      : loadedBytes < totalBytes
        ? `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`
        : 'Checking it…';
  return (
    <li className="model" aria-label={id}>
      <div className="model-words">
        <p className="model-name">{id}</p>
        <p className="model-facts numbers">{words}</p>
        <progress
          className="model-progress"
          aria-label={`Adding ${id}`}
          max={totalBytes || 1}
          value={totalBytes === 0 ? undefined : loadedBytes}
        />
      </div>
      <div className="model-actions">
        <Button onClick={onDismiss}>Cancel</Button>
      </div>
    </li>
  );
}

interface UnfinishedRowProps {
  readonly model: DeviceModel;
  /** Null while it is not known which hub to ask. */
  readonly onGoOn: ((source: string) => void) | null;
  readonly onRemove: () => void;
}

/** What was cut off or cancelled, perhaps in an earlier visit. */
export function UnfinishedRow({ model: { id, bytes, about }, onGoOn, onRemove }: UnfinishedRowProps) {
  const { source } = about;
  return (
    <li className="model" aria-label={id}>
      <div className="model-words">
        <p className="model-name">{id}</p>
        <p className="model-facts numbers">
          Not whole: {formatBytes(bytes)} of it are here.
          {source === null && ' Add its folder again, or delete it.'}
        </p>
      </div>
      <div className="model-actions">
        {source !== null && (
          <Button look="primary" disabled={onGoOn === null} onClick={() => onGoOn?.(source)}>
            Go on
          </Button>
        )}
        <RemoveButton title={id} onRemove={onRemove} />
      </div>
    </li>
  );
}
