/**
 * Jobs of which `most` run at a time; each of the others waits for one before it, so that whoever asks first is served first.
 * A job that fails fails for whoever asked, and holds up nobody.
 */
export function limitAtOnce(most: number): <T>(job: () => Promise<T>) => Promise<T> {
  const lanes: Promise<unknown>[] = Array.from({ length: most }, () => Promise.resolve());
  let asked = 0;
  return (job) => {
    const lane = asked++ % most;
    const result = lanes[lane].then(job);
    lanes[lane] = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  };
}
