// A convolution with a batch norm behind it (Ioffe & Szegedy 2015), as ResNets are made of. While a network learns, the batch's
// own statistics are used, and the running ones follow them; in the finished model the running ones are part of the
// convolution's weights, so that a norm costs nothing: constant folding computes them once, at export.

import type { Graph, Value } from '../onnx/graph.ts';
import {
  add,
  batchNormalization,
  conv,
  div,
  mul,
  reduceMean,
  reshape,
  sqrt,
  sub,
} from '../onnx/operators.ts';
import { lengthAt, sizeOf } from '../onnx/shapes.ts';
import { constant, normal } from './layers.ts';

/** torch.nn.BatchNorm2d's defaults. */
const EPSILON = 1e-5;
const MOMENTUM = 0.1;

export interface ConvolutionNorm {
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  /** What the norm's gain starts at. */
  readonly gain?: number;
}

/** x [b, in, h, w] → [b, channels, h', w'], padded so that stride 1 keeps the size. */
export function convolutionNorm(
  g: Graph,
  x: Value,
  [convName, normName]: readonly [string, string],
  { channels, kernel, stride = 1, gain: startingGain = 1 }: ConvolutionNorm,
): Value {
  const inputs = lengthAt(x.shape, 1);
  const padding = (kernel - 1) / 2;
  // He et al. 2015: the variance that a ReLU halves is put back.
  const weight = g.parameter(
    `${convName}.weight`,
    [channels, inputs, kernel, kernel],
    normal(Math.sqrt(2 / (inputs * kernel * kernel))),
  );
  const gain = g.parameter(`${normName}.weight`, [channels], constant(startingGain));
  const bias = g.parameter(`${normName}.bias`, [channels], constant(0));
  const runningMean = g.buffer(`${normName}.running_mean`, [channels], 0);
  const runningVariance = g.buffer(`${normName}.running_var`, [channels], 1);

  if (g.mode === 'inference') {
    const scale = div(g, gain, sqrt(g, add(g, runningVariance, g.scalar(EPSILON))));
    const shift = sub(g, bias, mul(g, runningMean, scale));
    const scaled = mul(g, weight, reshape(g, scale, [channels, 1, 1, 1]));
    const convolved = conv(g, x, scaled, { stride, padding });
    return add(g, convolved, reshape(g, shift, [1, channels, 1, 1]));
  }
  const convolved = conv(g, x, weight, { stride, padding });
  const mean = reduceMean(g, convolved, [0, 2, 3], false);
  const centred = sub(g, convolved, reshape(g, mean, [1, channels, 1, 1]));
  const variance = reduceMean(g, mul(g, centred, centred), [0, 2, 3], false);
  const count = sizeOf(convolved.shape) / channels;
  const follow = (running: Value, batch: Value, factor: number) =>
    add(g, mul(g, running, g.scalar(1 - MOMENTUM)), mul(g, batch, g.scalar(MOMENTUM * factor)));
  g.update(runningMean, follow(runningMean, mean, 1));
  // PyTorch keeps the unbiased variance.
  g.update(runningVariance, follow(runningVariance, variance, count / (count - 1)));
  return batchNormalization(g, convolved, { gain, bias, mean, variance }, EPSILON);
}
