// A list of labels or templates as chips: typed or pasted into one field, edited there, put in order by dragging or by
// keyboard, removed. A list too long to look over is shown in part and edited as text, a line each.

import { type ClipboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { messageOf } from '../../models/clip/message-of.ts';
import { Button } from '../ui/button.tsx';
import { Chips } from '../ui/chips.tsx';
import { formatCount } from '../ui/format.ts';
import { useGrowing } from '../ui/portions.ts';
import { toast } from '../ui/toast.ts';
import { loadClean } from './late-parts.ts';
import { MAX_CHIPS } from './limits.ts';
import { addWords, type Clean, type Edit, LINES, moveWords, replaceWords, type WordKind } from './words.ts';
import './word-list.css';

interface WordListProps {
  readonly kind: WordKind;
  readonly words: readonly string[];
  /** Changes the list as it is by then: words typed a moment before may still be on their way into it. */
  readonly onEdit: (edit: Edit) => void;
  readonly placeholder: string;
  /** Words that something is to be said about; their chips are marked. */
  readonly marked?: ReadonlySet<string>;
  /** The list as text instead of chips. */
  readonly asText: boolean;
  readonly onAsText: (asText: boolean) => void;
}

export function WordList(props: WordListProps) {
  const { kind, words, onEdit, asText, onAsText } = props;
  const [putAway, setPutAway] = useState<string | null>(null);
  const [wasText, setWasText] = useState(false);
  if (!asText) return <WordChips {...props} takesFocus={wasText} />;
  const close = () => {
    setPutAway(null);
    setWasText(true);
    onAsText(false);
  };
  return (
    <WordText
      kind={kind}
      words={words}
      before={putAway}
      onUse={(next) => {
        close();
        onEdit(() => next);
      }}
      onCancel={(text) => {
        close();
        if (text === null) return;
        toast(`What you changed in the text of the ${kind.many} was not used.`, {
          action: {
            name: 'Go on with it',
            run: () => {
              setPutAway(text);
              onAsText(true);
            },
          },
        });
      }}
    />
  );
}

/** All of them would be most of what the page's first frame lays out. */
const CHIPS_A_FRAME = 15;

interface Change {
  readonly list: readonly string[];
  readonly notes: readonly string[];
  readonly done: boolean;
}

interface WordChipsProps extends WordListProps {
  /** It stands where the text had the focus. */
  readonly takesFocus: boolean;
}

function WordChips({ kind, words, onEdit, placeholder, marked, onAsText, takesFocus }: WordChipsProps) {
  const [editing, setEditing] = useState<string | null>(null);
  const [draft, setDraft] = useState('');
  const root = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const count = useGrowing(Math.min(words.length, MAX_CHIPS), CHIPS_A_FRAME);
  const shown = useMemo(() => words.slice(0, count), [words, count]);

  // A chip rather than the field, which brings a phone's keyboard up; many chips are there a frame later.
  const wantsFocus = useRef(takesFocus);
  useEffect(() => {
    if (!wantsFocus.current || (words.length > 0 && shown.length === 0)) return;
    wantsFocus.current = false;
    (root.current?.querySelector<HTMLElement>('.chip-text') ?? input.current)?.focus();
  }, [words, shown]);
  /** The last chip goes, by keyboard: the focus would go with it. */
  const emptying = useRef(false);
  useEffect(() => {
    if (words.length > 0) return;
    if (emptying.current) input.current?.focus();
    emptying.current = false;
  }, [words]);

  const begin = (entry: string) => {
    // At once, not in a later frame: select() takes the focus too, and by then it may have gone elsewhere.
    flushSync(() => {
      setEditing(entry);
      setDraft(entry);
    });
    input.current?.focus();
    input.current?.select();
  };
  const end = () => {
    setEditing(null);
    setDraft('');
  };
  /** Whether words came in; where none did, a toast has said why. */
  const apply = async (change: (now: readonly string[], clean: Clean) => Change): Promise<boolean> => {
    try {
      const clean = await loadClean();
      let done = false;
      onEdit((now) => {
        const { list, notes, ...changed } = change(now, clean);
        done = changed.done;
        if (notes.length > 0) toast(notes.join(' '), { kind: done ? 'note' : 'problem' });
        return list;
      });
      return done;
    } catch (error) {
      toast(messageOf(error), { kind: 'problem' });
      return false;
    }
  };
  const add = (text: string) =>
    apply((now, clean) => {
      const { list, added, notes } = addWords(now, text, kind, clean);
      return { list, notes, done: added > 0 };
    });
  const replace = (before: string, text: string) =>
    apply((now, clean) => {
      const { list, note } = replaceWords(now, before, text, kind, clean);
      return { list, notes: note === null ? [] : [note], done: note === null };
    });
  // The field is free for the next words at once; what could not be used comes back into it, unless they are there by then.
  const submit = async () => {
    end();
    const done = editing === null ? await add(draft) : await replace(editing, draft);
    if (done || input.current?.value !== '') return;
    setEditing(editing);
    setDraft(draft);
  };
  const onPaste = (event: ClipboardEvent) => {
    const text = event.clipboardData.getData('text/plain');
    // A field of one line would run the lines of a list together.
    if (editing !== null || !kind.separator.test(text.trim())) return;
    event.preventDefault();
    void add(text);
  };
  const remove = (entry: string) => {
    if (entry === editing) end();
    emptying.current = words.length === 1 && root.current?.querySelector('.chip :focus-visible') !== null;
    onEdit((now) => now.filter((other) => other !== entry));
  };

  return (
    <div className="word-list" ref={root}>
      <form
        className="word-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label className="visually-hidden" htmlFor={id}>
          {editing === null ? `Add ${kind.many}` : `Edit “${editing}”`}
        </label>
        <input
          ref={input}
          id={id}
          // Words may run from right to left.
          dir="auto"
          value={draft}
          placeholder={placeholder}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck
          enterKeyHint="done"
          onChange={(event) => setDraft(event.target.value)}
          onPaste={onPaste}
          onKeyDown={(event) => {
            if (event.key === 'Escape' && editing !== null) end();
          }}
        />
        <Button type="submit" look="quiet" className="word-submit">
          {editing === null ? 'Add' : 'Save'}
        </Button>
      </form>
      {words.length > 0 && (
        <Chips
          label={capital(kind.many)}
          words={shown}
          editing={editing}
          marked={marked}
          onEdit={begin}
          onRemove={remove}
          onMove={(word, target, position) =>
            onEdit((now) => moveWords(now, new Set([word]), target, position))
          }
        />
      )}
      {words.length > MAX_CHIPS && (
        <Button look="quiet" className="word-more" onClick={() => onAsText(true)}>
          and {formatCount(words.length - MAX_CHIPS, `more ${kind.one}`, `more ${kind.many}`)}: show as text
        </Button>
      )}
    </div>
  );
}

interface WordTextProps {
  readonly kind: WordKind;
  readonly words: readonly string[];
  /** A text to go on with instead of the words as they are. */
  readonly before: string | null;
  readonly onUse: (words: readonly string[]) => void;
  /** The text that is given up; null where it says what the words are. */
  readonly onCancel: (text: string | null) => void;
}

function WordText({ kind, words, before, onUse, onCancel }: WordTextProps) {
  const written = words.join('\n');
  const [typed, setTyped] = useState(before);
  const text = typed ?? written;
  const cancel = () => onCancel(text === written ? null : text);
  const save = async () => {
    try {
      const clean = await loadClean();
      const kept = new Set(words);
      // A line that nobody touched stays what it is: words from an address may hold what typed ones are cleaned of.
      const cleanTyped: Clean = (line) => (kept.has(line) ? line : clean(line));
      const { list, refused, notes } = addWords([], text, kind, cleanTyped, LINES);
      if (text.trim() !== '' && notes.length > 0)
        toast(notes.join(' '), { kind: refused > 0 ? 'problem' : 'note' });
      // What could not be used stays in the text, to be mended there.
      if (refused > 0) return;
      if (list.join('\n') === written) onCancel(null);
      else onUse(list);
    } catch (error) {
      toast(messageOf(error), { kind: 'problem' });
    }
  };
  return (
    <div className="word-list">
      <textarea
        className="word-text"
        aria-label={`${capital(kind.many)}, one a line`}
        // biome-ignore lint/a11y/noAutofocus: the visitor asked for the text
        autoFocus
        dir="auto"
        rows={14}
        spellCheck
        value={text}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') cancel();
        }}
      />
      <div className="word-text-actions">
        <Button look="primary" onClick={() => void save()}>
          Use these {kind.many}
        </Button>
        <Button onClick={cancel}>Cancel</Button>
      </div>
    </div>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
