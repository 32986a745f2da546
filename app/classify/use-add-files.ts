// Files in, and what became of them said in one message.

import { useCallback } from 'react';
import { messageOf } from '../../models/clip/message-of.ts';
import { formatCount } from '../ui/format.ts';
import { toast } from '../ui/toast.ts';
import { addFiles } from './photos.ts';
import type { Files } from './picture-files.ts';
import { useServices } from './services.tsx';

/** Reasons named one by one; of more, the rest is counted. */
const REASONS_SHOWN = 2;

export function useAddFiles(): (files: Files) => void {
  const { queryClient } = useServices();
  return useCallback(
    (files) => {
      const add = async () => {
        const { found, repeated, leftOut, notKept, stopped } = await addFiles(queryClient, files);
        if (stopped) {
          toast(
            'Adding was stopped, because all photographs were removed. Files that were not listed yet are not added.',
          );
        }
        if (found === 0 && leftOut.length === 0 && !stopped) {
          toast(
            'There was no photograph in it, only system files or nothing at all. Choose another folder.',
            {
              kind: 'problem',
            },
          );
        }
        if (repeated > 0) {
          toast(`${formatCount(repeated, 'photograph was', 'photographs were')} here already.`);
        }
        if (leftOut.length > 0) {
          const rest = leftOut.length - REASONS_SHOWN;
          const reasons = leftOut.slice(0, REASONS_SHOWN).map(({ reason }) => reason);
          if (rest > 0)
            reasons.push(`${formatCount(rest, 'other file was', 'other files were')} left out too.`);
          toast(reasons.join(' '), { kind: 'problem', stays: true });
        }
        if (notKept !== null) toast(notKept, { kind: 'problem', stays: true });
      };
      add().catch((error: unknown) => toast(messageOf(error), { kind: 'problem', stays: true }));
    },
    [queryClient],
  );
}
