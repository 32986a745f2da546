// Sorting, filtering, the kind of view, export, and clearing.

import { memo, useMemo } from 'react';
import { messageOf } from '../../models/clip/message-of.ts';
import type { ModelReport } from '../inference/types.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Popover } from '../ui/popover.tsx';
import { type Portion, usePortions } from '../ui/portions.ts';
import { Select } from '../ui/select.tsx';
import { toast } from '../ui/toast.ts';
import { CERTAINTIES, CERTAINTY_WORDS } from './certainty.ts';
import { csvLines, exportName, jsonPieces } from './export.ts';
import type { Photo } from './photos.ts';
import { useServices } from './services.tsx';
import { inSlices } from './slices.ts';
import { useResultsVersion, type ViewControls } from './use-classify.ts';
import type { Sort } from './view.ts';
import './toolbar.css';

interface ToolbarProps {
  readonly controls: ViewControls;
  readonly photos: readonly Photo[];
  readonly shown: readonly Photo[];
  readonly report: ModelReport | null;
  /** Null where there is nothing of the visitor's to clear. */
  readonly onClear: (() => void) | null;
}

export function Toolbar({ controls: { view, show }, photos, shown, report, onClear }: ToolbarProps) {
  const { labels, sort, onlyLabel, onlyCertainty, layout } = view;
  const counts = useBestLabelCounts(photos);
  const portions = usePortions(labels.length);
  return (
    <div className="toolbar" role="toolbar" aria-label="View">
      <Select
        label="Sort"
        value={sortValue(sort)}
        onChange={(value) => show({ sort: parseSortValue(value) })}
      >
        <option value="added">Order added</option>
        <option value="name">Name</option>
        <option value="most">Most certain first</option>
        <option value="least">Least certain first</option>
        <optgroup label="By label">
          {portions.map(({ first, end }) => (
            <LabelOptions key={first} labels={labels} first={first} end={end} />
          ))}
        </optgroup>
      </Select>
      <Select
        label="Best"
        value={onlyLabel === null ? '' : `=${onlyLabel}`}
        onChange={(value) => show({ onlyLabel: value === '' ? null : value.slice(1) })}
      >
        <option value="">Any label</option>
        {labels
          .filter((label) => counts.has(label) || label === onlyLabel)
          .map((label) => (
            <option key={label} value={`=${label}`}>
              {label} ({counts.get(label) ?? 0})
            </option>
          ))}
      </Select>
      <Select
        label="Certainty"
        value={onlyCertainty ?? ''}
        onChange={(value) =>
          show({ onlyCertainty: CERTAINTIES.find((certainty) => certainty === value) ?? null })
        }
      >
        <option value="">Any</option>
        {CERTAINTIES.map((certainty) => (
          <option key={certainty} value={certainty}>
            {CERTAINTY_WORDS[certainty]}
          </option>
        ))}
      </Select>
      <fieldset className="segments" aria-label="Layout">
        <button
          type="button"
          aria-label="Cards"
          aria-pressed={layout === 'grid'}
          onClick={() => show({ layout: 'grid' })}
        >
          <Icon name="grid" size={18} />
        </button>
        <button
          type="button"
          aria-label="Table"
          aria-pressed={layout === 'table'}
          onClick={() => show({ layout: 'table' })}
        >
          <Icon name="table" size={18} />
        </button>
      </fieldset>
      <Export view={view} shown={shown} report={report} />
      {onClear !== null && (
        <Button className="button-icon" aria-label="Remove all photographs" onClick={onClear}>
          <Icon name="trash" size={18} />
        </Button>
      )}
    </div>
  );
}

interface LabelOptionsProps extends Portion {
  readonly labels: readonly string[];
}

/** Made once, not at every result. */
const LabelOptions = memo(function LabelOptions({ labels, first, end }: LabelOptionsProps) {
  return labels.slice(first, end).map((label) => (
    <option key={label} value={`=${label}`}>
      {label}
    </option>
  ));
});

function sortValue(sort: Sort): string {
  switch (sort.by) {
    case 'added':
    case 'name':
      return sort.by;
    case 'certainty':
      return sort.first;
    case 'label':
      return `=${sort.label}`;
    default:
      return sort satisfies never;
  }
}

function parseSortValue(value: string): Sort {
  if (value.startsWith('=')) return { by: 'label', label: value.slice(1) };
  if (value === 'most' || value === 'least') return { by: 'certainty', first: value };
  return { by: value === 'name' ? 'name' : 'added' };
}

/** How many photographs each label is the best of. */
function useBestLabelCounts(photos: readonly Photo[]): ReadonlyMap<string, number> {
  const { classifier } = useServices();
  const version = useResultsVersion(classifier);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for all results
  return useMemo(() => {
    const counts = new Map<string, number>();
    for (const { id } of photos) {
      const result = classifier.result(id);
      if (result.state !== 'ranked' || result.ranking === null) continue;
      const { label } = result.ranking.best;
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    return counts;
  }, [photos, classifier, version]);
}

const EXPORTS = [
  {
    kind: 'csv',
    name: 'CSV',
    note: 'For a spreadsheet: a photograph a line',
    type: 'text/csv',
    pieces: csvLines,
  },
  {
    kind: 'json',
    name: 'JSON',
    note: 'For a script: every score',
    type: 'application/json',
    pieces: jsonPieces,
  },
] as const;

function Export({
  view,
  shown,
  report,
}: Pick<ToolbarProps, 'shown' | 'report'> & Pick<ViewControls, 'view'>) {
  const { classifier } = useServices();
  if (report === null) return null;
  const { labels, templates } = view;
  const save = async ({ kind, type, pieces }: (typeof EXPORTS)[number]) => {
    const parts: BlobPart[] = kind === 'csv' ? ['\uFEFF'] : []; // spreadsheets take a file without it for Latin-1
    const photos = shown.map(({ name, id }) => ({ name, id, result: classifier.result(id) }));
    await inSlices(pieces(photos, { labels, templates, report }), (piece) => parts.push(piece));
    const url = URL.createObjectURL(new Blob(parts, { type: `${type};charset=utf-8` }));
    const link = document.createElement('a');
    link.href = url;
    link.download = exportName(kind, new Date());
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return (
    <Popover
      label="Export the photographs shown"
      buttonClass="button button-plain"
      button={
        <>
          <Icon name="download" size={18} /> <span>Export</span>
        </>
      }
      buttonLabel="Export"
    >
      {(close) =>
        EXPORTS.map((choice) => (
          <button
            key={choice.kind}
            type="button"
            className="menu-item"
            onClick={() => {
              close();
              save(choice).catch((error: unknown) => toast(messageOf(error), { kind: 'problem' }));
            }}
          >
            <Icon name="download" size={18} />
            <span className="menu-item-name">{choice.name}</span>
            <span className="menu-item-note">{choice.note}</span>
          </button>
        ))
      }
    </Popover>
  );
}
