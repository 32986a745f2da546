// The ways to have a model of one's own choice: its folder from this device, or its name on the hub or address.

import { type DragEvent, type FormEvent, useId, useState } from 'react';
import { PRECISIONS } from '../../models/clip/encoder-files.ts';
import { messageOf } from '../../models/clip/message-of.ts';
import type { Precision } from '../../models/clip/types.ts';
import { Button } from '../ui/button.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Select } from '../ui/select.tsx';
import { toast } from '../ui/toast.ts';
import { droppedFolder, type PickedFolder, pickedFolder } from './picked-folder.ts';
import type { UsedAdditions } from './use-additions.ts';

interface AddModelProps {
  readonly additions: UsedAdditions;
  /** Null while it is not known. */
  readonly hub: string | null;
}

export function AddModel({ additions: { addTyped, addFolder }, hub }: AddModelProps) {
  const [text, setText] = useState('');
  const [precision, setPrecision] = useState<'auto' | Precision>('auto');
  const [isOver, setIsOver] = useState(false);
  const help = useId();
  const host = hub === null ? 'the hub' : new URL(hub).host;

  const add = async (folder: () => PickedFolder | Promise<PickedFolder>) => {
    try {
      addFolder(await folder());
    } catch (error) {
      toast(messageOf(error), { kind: 'problem', stays: true });
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (hub !== null && addTyped(text, precision, hub)) setText('');
  };
  const onDragOver = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setIsOver(true);
  };
  return (
    <section aria-labelledby="models-add">
      <h3 id="models-add">Add a model</h3>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: whoever has no pointer picks */}
      <div
        className="model-drop"
        data-drop-target={isOver || undefined}
        onDragEnter={onDragOver}
        onDragOver={onDragOver}
        onDragLeave={() => setIsOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          event.stopPropagation();
          setIsOver(false);
          const { dataTransfer } = event;
          void add(() => droppedFolder(dataTransfer));
        }}
      >
        <p>Drop a model folder here: config.json, a tokenizer, and onnx/ with both encoders.</p>
        <FileButton folder onFiles={(files) => files.length > 0 && void add(() => pickedFolder(files))}>
          <Icon name="folder" size={18} /> Pick a folder
        </FileButton>
      </div>
      <form className="model-form" onSubmit={onSubmit}>
        <label className="model-source">
          <span>Name on the hub, or address of a folder</span>
          <input
            type="text"
            value={text}
            placeholder="Xenova/clip-vit-base-patch32"
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            aria-describedby={help}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <Select
          label="Precision"
          value={precision}
          onChange={(value) => setPrecision(PRECISIONS.find((each) => each === value) ?? 'auto')}
        >
          <option value="auto">Best here</option>
          {PRECISIONS.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </Select>
        <Button type="submit" disabled={hub === null || text.trim() === ''}>
          <Icon name="download" size={18} /> Add
        </Button>
      </form>
      <p id={help} className="models-note">
        This is the one time that the page asks another server: {host} and those that hold its files, or the
        one whose address you give, for the model’s files alone. It learns your device’s address, which model
        you ask for and from which site, and nothing of your photographs or words.
      </p>
    </section>
  );
}
