// A button that opens the browser's own chooser, of files or of a folder.

import { type ComponentProps, useRef } from 'react';
import { Button } from './button.tsx';

interface FileButtonProps extends Omit<ComponentProps<typeof Button>, 'onClick'> {
  readonly onFiles: (files: readonly File[]) => void;
  /** As the attribute of an input of files says it; left out where a folder is chosen. */
  readonly accept?: string;
  readonly folder?: boolean;
}

export function FileButton({ onFiles, accept, folder = false, ...button }: FileButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  const choose = () => {
    if (input.current === null) return;
    // The same files once more are a choice too.
    input.current.value = '';
    // React's types know no attribute for it.
    input.current.webkitdirectory = folder;
    input.current.click();
  };
  return (
    <>
      <Button {...button} onClick={choose} />
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        multiple={!folder}
        onChange={({ target }) => onFiles([...(target.files ?? [])])}
      />
    </>
  );
}
