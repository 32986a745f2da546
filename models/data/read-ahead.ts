/**
 * What is asked for step by step, made before it is asked for: the step in question and `ahead` more. Each answer is handed out once;
 * who asks for a step again has it made anew.
 */
export function readAhead<T>(
  make: (step: number) => Promise<T>,
  ahead: number,
): (step: number) => Promise<T> {
  const pending = new Map<number, Promise<T>>();
  const begin = (step: number) => {
    const made = make(step);
    // Its failure is told to whoever asks for this step; until then it must not end the process as unhandled.
    made.catch(() => undefined);
    pending.set(step, made);
    return made;
  };
  return (step) => {
    const last = step + ahead;
    for (const known of pending.keys()) if (known < step || known > last) pending.delete(known);
    const asked = pending.get(step) ?? begin(step);
    for (let next = step + 1; next <= last; next++) if (!pending.has(next)) begin(next);
    pending.delete(step);
    return asked;
  };
}
