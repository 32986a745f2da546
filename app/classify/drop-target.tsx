// Photographs dropped or pasted anywhere on the page, single or in folders.

import { type ReactNode, useEffect } from 'react';
import type { DirectoryDropItem, FileDropItem } from 'react-aria-components';
import { DropZone } from 'react-aria-components/DropZone';
import { DRAGGED_CHIP } from '../ui/chips.tsx';
import { toast } from '../ui/toast.ts';
import { sentence } from './use-classify.ts';

interface DropTargetProps {
  readonly onFiles: (files: readonly File[]) => void;
  readonly children: ReactNode;
}

export function DropTarget({ onFiles, children }: DropTargetProps) {
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
      onDrop={({ items }) => {
        const dropped = items.filter((item) => item.kind !== 'text');
        if (dropped.length === 0) return;
        filesOf(dropped).then(onFiles, (error: unknown) => toast(sentence(error), { kind: 'problem' }));
      }}
    >
      {children}
    </DropZone>
  );
}

async function filesOf(items: Iterable<FileDropItem | DirectoryDropItem>): Promise<File[]> {
  const files: File[] = [];
  for (const item of items) {
    if (item.kind === 'file') {
      files.push(await item.getFile());
    } else {
      for await (const entry of item.getEntries()) files.push(...(await filesOf([entry])));
    }
  }
  return files;
}
