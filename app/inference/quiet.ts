// When nothing is asked of the model: the time for work that can wait, and that would take the processor from a visitor who does not.

/** In ms. Between two photographs of a folder nothing is asked for less than this. */
const QUIET_AFTER = 500;
/** In ms. Work that can wait does not wait for ever: a tab may be closed. */
const LONGEST_WAIT = 30_000;

export interface Quiet {
  /** Runs what was asked for. */
  during<Value>(work: () => Promise<Value>): Promise<Value>;
  /** Resolves when nothing has been asked for a while, or when it has taken too long to become quiet. */
  come(): Promise<void>;
}

export function createQuiet(): Quiet {
  let asked = 0;
  let lastAnswer = Number.NEGATIVE_INFINITY;
  const waitingFor = (since: number) => {
    const left = since + LONGEST_WAIT - performance.now();
    const quiet = asked > 0 ? QUIET_AFTER : lastAnswer + QUIET_AFTER - performance.now();
    return Math.min(left, quiet);
  };
  return {
    async during(work) {
      asked++;
      try {
        return await work();
      } finally {
        asked--;
        lastAnswer = performance.now();
      }
    },
    async come() {
      const since = performance.now();
      for (let ms = waitingFor(since); ms > 0; ms = waitingFor(since)) {
        await new Promise((resolve) => setTimeout(resolve, ms));
      }
    },
  };
}

/** This worker's. */
export const quiet = createQuiet();
