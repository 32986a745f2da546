// Words as chips that can be edited, removed, and put in order with the pointer or the keyboard. One stop for the Tab key;
// arrow keys go from chip to chip.
//
// A list of plain buttons: React Aria's grid list took milliseconds a chip, which made sixty labels the longest task of the
// page's start.

import { type DragEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { Icon } from './icon.tsx';
import './chips.css';

/** What a dragged chip says it is, so that nothing takes it for a file. */
export const DRAGGED_CHIP = 'application/x-promptlens-chip';

interface ChipsProps {
  readonly label: string;
  readonly words: readonly string[];
  readonly editing: string | null;
  /** Words that something is to be said about. */
  readonly marked: ReadonlySet<string> | undefined;
  readonly onEdit: (word: string) => void;
  readonly onRemove: (word: string) => void;
  readonly onMove: (word: string, target: string, position: 'before' | 'after') => void;
}

interface Place {
  readonly index: number;
  readonly position: 'before' | 'after';
}

export function Chips({ label, words, editing, marked, onEdit, onRemove, onMove }: ChipsProps) {
  const list = useRef<HTMLUListElement>(null);
  const help = useId();
  const [current, setCurrent] = useState(0);
  const [dragged, setDragged] = useState<string | null>(null);
  const [place, setPlace] = useState<Place | null>(null);
  const [moved, setMoved] = useState('');
  const stop = Math.min(current, words.length - 1);

  // After a removal or a move the focus stays on the chip in that place.
  const wish = useRef<number | null>(null);
  useEffect(() => {
    if (wish.current === null) return;
    focusChip(list.current, wish.current);
    wish.current = null;
  });

  const move = (from: number, to: number) => {
    const word = words[from];
    const target = words[to];
    if (word === undefined || target === undefined || from === to) return;
    wish.current = to;
    onMove(word, target, to > from ? 'after' : 'before');
    setMoved(`${word} is now ${to + 1} of ${words.length}.`);
  };

  const remove = (word: string, index: number) => {
    wish.current = Math.min(index, words.length - 2);
    onRemove(word);
  };

  const onKeyDown = (event: KeyboardEvent, index: number) => {
    const word = words[index];
    const step = STEPS[event.key];
    if (event.altKey && step !== undefined) {
      move(index, index + step);
    } else if (step !== undefined) {
      focusChip(list.current, index + step);
    } else if (event.key === 'Home' || event.key === 'End') {
      focusChip(list.current, event.key === 'Home' ? 0 : words.length - 1);
    } else if ((event.key === 'Delete' || event.key === 'Backspace') && word !== undefined) {
      remove(word, index);
    } else {
      return;
    }
    event.preventDefault();
  };

  const onDragOver = (event: DragEvent) => {
    if (dragged === null || list.current === null) return;
    event.preventDefault();
    event.stopPropagation();
    const next = placeAt(list.current, event.clientX, event.clientY);
    if (next?.index !== place?.index || next?.position !== place?.position) setPlace(next);
  };
  const endDrag = () => {
    setDragged(null);
    setPlace(null);
  };
  const onDrop = (event: DragEvent) => {
    if (dragged === null || place === null) return;
    const target = words[place.index];
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (target !== dragged) onMove(dragged, target, place.position);
    endDrag();
  };

  return (
    <>
      <ul ref={list} className="chips" aria-label={label} onDragOver={onDragOver} onDrop={onDrop}>
        {words.map((word, index) => (
          <li
            key={word}
            className={chipClass(word, index)}
            draggable
            onDragStart={({ dataTransfer }) => {
              dataTransfer.setData(DRAGGED_CHIP, word);
              dataTransfer.setData('text/plain', word);
              dataTransfer.effectAllowed = 'move';
              setDragged(word);
            }}
            onDragEnd={endDrag}
          >
            <button
              type="button"
              className="chip-text"
              tabIndex={index === stop ? 0 : -1}
              aria-describedby={help}
              onFocus={() => setCurrent(index)}
              onKeyDown={(event) => onKeyDown(event, index)}
              onClick={() => onEdit(word)}
            >
              {word}
            </button>
            <button
              type="button"
              className="chip-remove"
              tabIndex={-1}
              aria-label={`Remove ${word}`}
              onClick={() => remove(word, index)}
            >
              <Icon name="close" size={12} />
            </button>
          </li>
        ))}
      </ul>
      <p id={help} hidden>
        Enter edits, Delete removes, Alt with an arrow key moves.
      </p>
      <p className="visually-hidden" role="status">
        {moved}
      </p>
    </>
  );

  function chipClass(word: string, index: number): string {
    return [
      'chip',
      word === editing && 'chip-editing',
      word === dragged && 'chip-dragged',
      marked?.has(word) && 'chip-marked',
      place?.index === index && `chip-drop-${place.position}`,
    ]
      .filter(Boolean)
      .join(' ');
  }
}

const STEPS: Record<string, number | undefined> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

function focusChip(list: HTMLElement | null, index: number): void {
  list?.querySelectorAll<HTMLElement>('.chip-text')[index]?.focus();
}

/** Before or after the chip that is nearest in the pointer's line. */
function placeAt(list: HTMLElement, x: number, y: number): Place | null {
  let nearest: Place | null = null;
  let least = Infinity;
  for (const [index, chip] of [...list.children].entries()) {
    const { left, right, top, bottom } = chip.getBoundingClientRect();
    const middle = (left + right) / 2;
    // Another line counts as further away than anything in this one.
    const distance =
      Math.abs(x - middle) + (y < top || y > bottom ? 10_000 + Math.abs(y - (top + bottom) / 2) : 0);
    if (distance < least) {
      least = distance;
      nearest = { index, position: x < middle ? 'before' : 'after' };
    }
  }
  return nearest;
}
