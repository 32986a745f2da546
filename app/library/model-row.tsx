// One model that can be used now: its precisions, what it weighs, how fast it was here.

import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { encoderBytes, precisionsOf } from '../../models/clip/encoder-files.ts';
import { modelKeysOf } from '../../models/clip/manifest.ts';
import type { FolderFile, Precision } from '../../models/clip/types.ts';
import type { ModelChoice, ModelReport } from '../inference/types.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes, formatMilliseconds } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Select } from '../ui/select.tsx';
import { LIBRARY_KEY } from './additions.ts';
import { getTried, type Tried } from './tried.ts';

export interface ListedModel {
  /** As app/inference/place.ts reads it. */
  readonly name: string;
  readonly title: string;
  readonly license: string | null;
  readonly files: readonly FolderFile[];
  /** Of it on this device. */
  readonly keptBytes: number;
}

export interface Chosen {
  readonly use: ModelChoice;
  readonly beside: ModelChoice | null;
  /** Of the one in use; null while it loads. */
  readonly report: ModelReport | null;
  readonly onUse: (choice: ModelChoice) => void;
  readonly onBeside: (choice: ModelChoice | null) => void;
}

interface ModelRowProps extends Chosen {
  readonly model: ListedModel;
  /** Null where nothing of it is to be deleted. */
  readonly onRemove: (() => void) | null;
}

export function ModelRow({ model, use, beside, report, onUse, onBeside, onRemove }: ModelRowProps) {
  const { name, title, license, files, keptBytes } = model;
  const inUse = use.model === name;
  const isBeside = beside?.model === name;
  const [precision, setPrecision] = useState<'auto' | Precision>(
    inUse ? use.precision : isBeside ? beside.precision : 'auto',
  );
  const precisions = precisionsOf(files);
  const tried = useTried(files);
  const choice: ModelChoice = { model: name, precision };
  const usedAsChosen = inUse && use.precision === precision;
  const besideAsChosen = isBeside && beside.precision === precision;
  return (
    <li className="model" aria-label={title} aria-current={inUse || undefined}>
      <div className="model-words">
        <p className="model-name">
          {title} {inUse && <Badge>In use{report ? `, ${report.precision}` : ''}</Badge>}
          {isBeside && <Badge>Beside it</Badge>}
        </p>
        <p className="model-facts numbers">
          {[
            license ?? 'licence not said',
            ...(keptBytes > 0 ? [`${formatBytes(keptBytes)} on this device`] : []),
            ...speedWords(precisions, tried),
          ].join(' · ')}
        </p>
      </div>
      <div className="model-actions">
        <Select
          label="Precision"
          value={precision}
          onChange={(value) => setPrecision(precisions.find((each) => each === value) ?? 'auto')}
        >
          <option value="auto">Best here</option>
          {precisions.map((each) => (
            <option key={each} value={each}>
              {each} · {formatBytes(encoderBytes(files, each))}
              {(tried.get(each)?.problem ?? null) !== null && ` · not on ${tried.get(each)?.device}`}
            </option>
          ))}
        </Select>
        <Button look={inUse ? 'plain' : 'primary'} disabled={usedAsChosen} onClick={() => onUse(choice)}>
          {usedAsChosen ? 'In use' : 'Use'}
        </Button>
        <Button
          onClick={() => onBeside(besideAsChosen ? null : choice)}
          disabled={usedAsChosen && !besideAsChosen}
        >
          {besideAsChosen ? 'Stop comparing' : 'Compare'}
        </Button>
        {onRemove !== null && <RemoveButton title={title} onRemove={onRemove} />}
      </div>
      {precisions.map((each) => {
        const { device, problem } = tried.get(each) ?? { device: '', problem: null };
        return problem !== null ? (
          <p key={each} className="model-problem">
            <Icon name="warning" size={14} /> {each} was passed over on {device}: {problem}
          </p>
        ) : null;
      })}
    </li>
  );
}

function Badge({ children }: { readonly children: React.ReactNode }) {
  return <span className="model-badge">{children}</span>;
}

/** Pressed twice, and not in one double click: what it deletes took a download. */
export function RemoveButton({ title, onRemove }: { readonly title: string; readonly onRemove: () => void }) {
  const [sure, setSure] = useState(false);
  return (
    <Button
      look="quiet"
      aria-label={sure ? undefined : `Delete ${title}`}
      onBlur={() => setSure(false)}
      onClick={({ detail }) => {
        if (!sure) setSure(true);
        else if (detail <= 1) onRemove();
      }}
    >
      <Icon name="trash" size={18} />
      {sure && (
        <span>
          Press again to delete <span className="visually-hidden">{title}</span>
        </span>
      )}
    </Button>
  );
}

function useTried(files: readonly FolderFile[]): ReadonlyMap<Precision, Tried> {
  const { data } = useQuery({
    queryKey: [...LIBRARY_KEY, 'tried', files],
    queryFn: async () => {
      const found = await Promise.all(
        Array.from(await modelKeysOf(files), async ([each, key]) => [each, await getTried(key)] as const),
      );
      return new Map(found.flatMap(([each, tried]) => (tried === null ? [] : [[each, tried] as const])));
    },
    // It was measured while this list was closed.
    staleTime: 0,
  });
  return data ?? NOTHING;
}
const NOTHING: ReadonlyMap<Precision, Tried> = new Map();

function speedWords(precisions: readonly Precision[], tried: ReadonlyMap<Precision, Tried>): string[] {
  const measured = precisions.flatMap((precision) => {
    const { msPerPhoto, device } = tried.get(precision) ?? { msPerPhoto: null, device: '' };
    return msPerPhoto === null
      ? []
      : [`${formatMilliseconds(msPerPhoto)} a photograph here (${precision}, ${device})`];
  });
  return measured.length > 0 ? measured : ['not measured here yet'];
}
