// Which optimiser updates which parameter, and what a run remembers for it.

import { isHiddenMatrix } from '../networks/layers.ts';
import type { Parameter } from '../onnx/graph.ts';

/** `muon` updates the hidden layers' matrices by Muon and the rest by AdamW, which updates all with `adamw`. */
export type OptimizerName = 'adamw' | 'muon';

export interface Moments {
  /** Running mean of the gradient, or Muon's momentum; in the parameter's graph layout. */
  readonly m: Float32Array<ArrayBuffer>;
  /** Running mean of the gradient's square; empty where Muon needs none. */
  readonly v: Float32Array<ArrayBuffer>;
}

export function isMuons(parameter: Parameter, optimizer: OptimizerName): boolean {
  return optimizer === 'muon' && isHiddenMatrix(parameter);
}
