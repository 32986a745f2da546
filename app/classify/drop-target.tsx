// Photographs dropped or pasted anywhere on the page, single or in folders.

import { type ReactNode, useEffect, useRef } from 'react';
import { DropZone } from 'react-aria-components/DropZone';
import { DRAGGED_CHIP } from '../ui/chips.tsx';
import { droppedFiles, droppedItems } from './dropped-files.ts';
import type { Files } from './picture-files.ts';

interface DropTargetProps {
  readonly onFiles: (files: Files) => void;
  readonly children: ReactNode;
}

export function DropTarget({ onFiles, children }: DropTargetProps) {
  /** What the drop under way brings. DropZone's own items end a folder at its first unreadable file. */
  const dropped = useRef<ReturnType<typeof droppedItems>>([]);
  useEffect(() => {
    const onDrop = ({ dataTransfer }: DragEvent) => {
      dropped.current = dataTransfer === null ? [] : droppedItems(dataTransfer);
    };
    window.addEventListener('drop', onDrop, { capture: true });
    return () => window.removeEventListener('drop', onDrop, { capture: true });
  }, []);
  useEffect(() => {
    const onPaste = ({ clipboardData }: ClipboardEvent) => {
      if (clipboardData !== null && clipboardData.files.length > 0) onFiles([...clipboardData.files]);
    };
    window.addEventListener('paste', onPaste);
    return () => window.removeEventListener('paste', onPaste);
  }, [onFiles]);

  return (
    <DropZone
      className="drop-zone"
      aria-label="Photographs"
      getDropOperation={(types) => (types.has(DRAGGED_CHIP) ? 'cancel' : 'copy')}
      onDrop={() => {
        // DropZone calls this for what is pasted too, which the window hears of wherever the focus is.
        const items = dropped.current;
        dropped.current = [];
        if (items.length > 0) onFiles(droppedFiles(items));
      }}
    >
      {children}
    </DropZone>
  );
}
