// The words beside the photographs: labels, the templates they are put into, and what is worth knowing about both.

import { memo, useMemo, useState } from 'react';
import { TEMPLATE_SETS } from '../../models/clip/prompts.ts';
import { Button } from '../ui/button.tsx';
import { formatCount } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Popover } from '../ui/popover.tsx';
import { toast } from '../ui/toast.ts';
import { EXAMPLE_LABELS } from './examples.ts';
import { useServices } from './services.tsx';
import { useProgress, type ViewControls } from './use-classify.ts';
import { WordList } from './word-list.tsx';
import { type Edit, hasForeignLetters, LABELS, TEMPLATES } from './words.ts';
import './words-panel.css';

interface WordsPanelProps {
  readonly controls: ViewControls;
}

export const WordsPanel = memo(function WordsPanel({ controls }: WordsPanelProps) {
  return (
    <aside className="words" aria-label="Words">
      <LabelsSection controls={controls} />
      <TemplatesSection controls={controls} />
      <p className="promise">
        <Icon name="lock" size={18} />
        <span>No photograph leaves this device. Everything is computed here, with the network off too.</span>
      </p>
    </aside>
  );
});

function LabelsSection({
  controls: { view, editLabels, canUndo, undo },
}: {
  readonly controls: ViewControls;
}) {
  const [asText, setAsText] = useState(false);
  const truncated = useProgress('truncated');
  const labelProblem = useProgress('labelProblem');
  const labelsReady = useProgress('labelsReady');
  const { classifier } = useServices();
  const { labels } = view;
  const foreign = useMemo(() => labels.filter(hasForeignLetters), [labels]);
  const marked = useMemo(() => new Set([...foreign, ...truncated]), [foreign, truncated]);
  const clear = () => {
    editLabels(() => []);
    // These labels, whatever has been edited or undone by then.
    toast(`${formatCount(labels.length, 'label', 'labels')} removed.`, {
      action: { name: 'Undo', run: () => editLabels(() => labels) },
    });
  };

  return (
    <section aria-labelledby="labels-title">
      <header className="words-head">
        <h2 id="labels-title">
          Labels{' '}
          <span className="words-count numbers">
            {labels.length > 0 && labels.length.toLocaleString('en')}
          </span>
        </h2>
        <Button look="quiet" className="button-icon" aria-label="Undo" disabled={!canUndo} onClick={undo}>
          <Icon name="undo" size={18} />
        </Button>
        <Button
          look="quiet"
          className="button-icon"
          aria-label="Edit labels as text"
          disabled={asText}
          onClick={() => setAsText(true)}
        >
          <Icon name="list" size={18} />
        </Button>
        <Button look="quiet" disabled={labels.length === 0} onClick={clear}>
          Clear
        </Button>
      </header>
      <WordList
        kind={LABELS}
        words={labels}
        onEdit={editLabels}
        placeholder="Type or paste labels"
        marked={marked}
        asText={asText}
        onAsText={setAsText}
      />
      {labels.length === 0 && !asText && (
        <p className="hint">Type what may be in the photographs: a word or a few, several with commas.</p>
      )}
      {labels === EXAMPLE_LABELS && (
        <p className="hint">These are examples. Put your own words in their place.</p>
      )}
      {labelsReady > 0 && labelsReady < labels.length && labelProblem === null && (
        <p className="hint numbers">
          {labelsReady.toLocaleString('en')} of {formatCount(labels.length, 'label', 'labels')} read so far
        </p>
      )}
      {labelProblem !== null && (
        <div className="hint hint-problem">
          <p>The labels could not be read by the model: {labelProblem}</p>
          <Button look="quiet" onClick={() => classifier.retryAll()}>
            <Icon name="retry" size={16} /> Try again
          </Button>
        </div>
      )}
      {foreign.length > 0 && (
        <p className="hint hint-warm">
          {listed(foreign)} {foreign.length === 1 ? 'is' : 'are'} not in Latin letters. The model learnt from
          English captions and can only guess; an English word works better.
        </p>
      )}
      {truncated.length > 0 && (
        <p className="hint hint-warm">
          {listed(truncated)} {truncated.length === 1 ? 'is' : 'are'} longer than the model reads; the end is
          not taken into account.
        </p>
      )}
    </section>
  );
}

function TemplatesSection({ controls: { view, editTemplates } }: { readonly controls: ViewControls }) {
  const [asText, setAsText] = useState(false);
  const { templates } = view;
  const current = TEMPLATE_SETS.find((set) => set.templates.join('\n') === templates.join('\n'));
  const editSome = (edit: Edit) =>
    editTemplates((now) => {
      const next = edit(now);
      if (next.length > 0) return next;
      toast('A label needs at least one template; {} alone is the label itself.', { kind: 'problem' });
      return now;
    });
  return (
    <details className="templates">
      <summary>
        <h2>Templates</h2>
        <span className="templates-now">
          {templates.length === 1
            ? templates[0]
            : (current?.name ?? formatCount(templates.length, 'template', 'templates'))}
        </span>
        <Icon name="chevron" size={16} />
      </summary>
      <div className="templates-body">
        <p className="hint">
          The sentences that each label is put into, at {'{}'}. Of several, the model’s readings are averaged,
          which steadies it.
        </p>
        <div className="templates-tools">
          <Popover
            label="Ready sets of templates"
            buttonClass="button button-plain"
            button={
              <>
                Ready sets <Icon name="chevron" size={16} />
              </>
            }
          >
            {(close) =>
              TEMPLATE_SETS.map((set) => (
                <button
                  key={set.id}
                  type="button"
                  className="menu-item"
                  aria-pressed={set === current}
                  onClick={() => {
                    editTemplates(() => set.templates);
                    close();
                  }}
                >
                  <Icon name={set === current ? 'check' : 'add'} size={16} />
                  <span className="menu-item-name">{set.name}</span>
                  <span className="menu-item-note">{set.description}</span>
                </button>
              ))
            }
          </Popover>
          <Button look="quiet" disabled={asText} onClick={() => setAsText(true)}>
            Edit as text
          </Button>
        </div>
        <WordList
          kind={TEMPLATES}
          words={templates}
          onEdit={editSome}
          placeholder="a photo of a {}."
          asText={asText}
          onAsText={setAsText}
        />
      </div>
    </details>
  );
}

const NAMED = 3;

function listed(words: readonly string[]): string {
  const named = words.slice(0, NAMED).map((entry) => `“${entry}”`);
  const rest = words.length - named.length;
  return rest > 0 ? `${named.join(', ')} and ${rest} more` : named.join(', ');
}
