// Medians of interleaved rounds: a machine that is busy for a while is busy for everybody.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs every contestant once a round and returns what each gave, round by round. Whoever began one round is last in the
 * next. The first `warmUp` rounds count for nobody.
 */
export async function interleaved<Name extends string, Sample>(
  contestants: Readonly<Record<Name, (round: number) => Promise<Sample>>>,
  { rounds, warmUp = 0 }: { readonly rounds: number; readonly warmUp?: number },
): Promise<Record<Name, Sample[]>> {
  const names = Object.keys(contestants) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<Name, Sample[]>;
  for (let round = 0; round < warmUp + rounds; round++) {
    const from = round % names.length;
    for (const name of [...names.slice(from), ...names.slice(0, from)]) {
      const sample = await contestants[name](round);
      if (round >= warmUp) samples[name].push(sample);
    }
  }
  return samples;
}
