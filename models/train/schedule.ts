// The learning rate over a run: linear warm-up, then half a cosine down to zero (Radford et al. 2021, section 2.5).

export interface Schedule {
  readonly peak: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** The rate of step 0, 1, … totalSteps - 1. */
export function learningRate(step: number, { peak, warmupSteps, totalSteps }: Schedule): number {
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return 0.5 * peak * (1 + Math.cos(Math.PI * Math.min(1, progress)));
}
