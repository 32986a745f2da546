// How a network's weights start: drawn from the distributions that its layers state, each tensor from a stream of its own named
// by seed and tensor, so that adding a layer does not change the others.

import { randomStream } from '../data/random.ts';
import type { Parameter } from '../onnx/graph.ts';
import { sizeOf } from '../onnx/shapes.ts';

/** Starting values in the graph's layout. */
export function initialise(parameter: Parameter, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(sizeOf(parameter.shape));
  const { initialisation } = parameter;
  switch (initialisation.kind) {
    case 'constant':
      return values.fill(initialisation.value);
    case 'normal': {
      const random = randomStream('weights', seed, parameter.name);
      for (let i = 0; i < values.length; i += 2) {
        // Box and Muller: two uniform numbers give two normal ones.
        const radius = initialisation.std * Math.sqrt(-2 * Math.log(1 - random()));
        const angle = 2 * Math.PI * random();
        values[i] = radius * Math.cos(angle);
        if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
      }
      return values;
    }
    default:
      throw new Error(`Unknown initialisation ${initialisation satisfies never}.`);
  }
}
