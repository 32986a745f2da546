// What stands where something of the page cannot be shown: a sentence, and the one thing that helps.

import { messageOf } from '../../models/clip/message-of.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import './failure.css';

interface FailureProps {
  readonly what: string;
  readonly error: unknown;
}

export function Failure({ what, error }: FailureProps) {
  return (
    <div className="failure" role="alert">
      <p>{failureWords(what, error)}</p>
      <Button look="primary" onClick={() => location.reload()}>
        <Icon name="retry" size={16} /> Reload
      </Button>
    </div>
  );
}

/** @param what such as 'The table' */
export function failureWords(what: string, error: unknown): string {
  const reason = messageOf(error).replace(/\.?$/, '.');
  return `${what} cannot be shown: ${reason} Reload the page to go on; labels and kept photographs stay.`;
}
