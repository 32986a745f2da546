// Photographs dropped or pasted anywhere on the page, single or in folders.
//
// React Aria's drop zone did this too. To know the browser's language for words of its own it took longer than everything
// else that is evaluated before the first view, which together was a long task.

import { type DragEvent, type ReactNode, useEffect, useState } from 'react';
import { DRAGGED_CHIP } from '../ui/chips.tsx';
import { droppedFiles, droppedItems } from '../ui/dropped-files.ts';
import type { Files } from './picture-files.ts';

interface DropTargetProps {
  readonly onFiles: (files: Files) => void;
  readonly children: ReactNode;
}

export function DropTarget({ onFiles, children }: DropTargetProps) {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    const onPaste = ({ clipboardData }: ClipboardEvent) => {
      if (clipboardData !== null && clipboardData.files.length > 0) onFiles([...clipboardData.files]);
    };
    window.addEventListener('paste', onPaste);
    return () => window.removeEventListener('paste', onPaste);
  }, [onFiles]);

  const onDragOver = (event: DragEvent) => {
    if (event.dataTransfer.types.includes(DRAGGED_CHIP)) return;
    const wordsForField = areWordsForField(event);
    setIsOver(!wordsForField);
    if (wordsForField) return;
    // What nobody takes the browser would open in the page's place.
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
  };
  const onDragLeave = ({ currentTarget, relatedTarget }: DragEvent) => {
    if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setIsOver(false);
  };
  const onDrop = (event: DragEvent) => {
    if (areWordsForField(event)) return;
    event.preventDefault();
    setIsOver(false);
    const items = droppedItems(event.dataTransfer);
    if (items.length > 0) onFiles(droppedFiles(items));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: whoever has no pointer picks or pastes
    <div
      className="drop-zone"
      data-drop-target={isOver || undefined}
      onDragEnter={onDragOver}
      onDragOver={onDragOver}
      onDragLeave={onDragLeave}
      // Also where a part of the page takes the drop for itself.
      onDropCapture={() => setIsOver(false)}
      onDrop={onDrop}
    >
      {children}
    </div>
  );
}

/** Words from elsewhere that are dragged into a field: the browser puts them there. */
function areWordsForField({ dataTransfer: { types }, target }: DragEvent): boolean {
  if (types.includes('Files') || types.includes(DRAGGED_CHIP)) return false;
  return target instanceof Element && target.closest('input, textarea') !== null;
}
