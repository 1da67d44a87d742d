import { type Tensor, variance } from '2headgrad';

// The same line twice, x: f32[rows, neurons]. Along axis 0 it is batch norm: mean and deviation of each neuron over the
// rows of the batch. Along axis 1 it is layer norm: those of each row over its neurons.

type Axis = 0 | 1;

/** As in the notes, (x - x.mean(axis)) / x.std(axis): PyTorch's std divides by n - 1, and nothing is added to it. */
export function withStd(x: Tensor, axis: Axis): Tensor {
  const std = variance(x, axis, { unbiased: true, keepDims: true }).sqrt();
  return x.sub(x.mean(axis, { keepDims: true })).div(std);
}

/** As in the papers, and in nn.batchNorm1d and nn.layerNorm: the variance divides by n, and epsilon is added under the root. */
export function withVariance(x: Tensor, axis: Axis, epsilon = 1e-5): Tensor {
  const sigma2 = variance(x, axis, { keepDims: true });
  return x.sub(x.mean(axis, { keepDims: true })).div(sigma2.add(epsilon).sqrt());
}

/** The room to move: a gain and a bias for each neuron, which begin as 1 and 0. gain and bias: f32[neurons] */
export const moved = (normalized: Tensor, gain: Tensor, bias: Tensor): Tensor =>
  gain.mul(normalized).add(bias);
