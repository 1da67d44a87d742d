import { checkOptions, positive } from '../check.js';
import { OptionError } from '../errors.js';
import { add, div, maximum, minimum, mul, sqrt } from '../ops/elementwise.js';
import { square } from '../ops/functions.js';
import { sum } from '../ops/reduce.js';
import type { Tensor, Variable } from '../ops/tensor.js';
import { checkOptimizer, type Optimizer } from './optimizer.js';

export interface ClipOptions {
  /** Scale all gradients together so that their joint Euclidean norm is at most this. */
  norm?: number | undefined;
  /** Keep every element of a gradient between minus and plus this. */
  value?: number | undefined;
}

/** Added to the norm before dividing, as torch.nn.utils.clip_grad_norm_ does. */
const EPS = 1e-6;

/**
 * Limits gradients before `optimizer` gets them. By `norm`: all of them are multiplied by norm / (n + 1e-6), n being
 * the norm of all gradients as one vector, where that is below 1 (Pascanu, Mikolov and Bengio 2013, algorithm 1, as
 * torch.nn.utils.clip_grad_norm_). By `value`: element by element, as clip_grad_value_. With both, by value first.
 *
 * The norm is known only when every gradient is, so no update can start before.
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(8, 2), y: f32(8, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.clip(optim.sgd({ momentum: 0.9 }), { norm: 1 }),
 * });
 * console.log(step.interpret().names('state').join(' ')); // optimizer.velocity.weight optimizer.velocity.bias
 * ```
 */
export function clip(optimizer: Optimizer, options: ClipOptions = {}): Optimizer {
  checkOptimizer('clip: the optimizer', optimizer);
  checkOptions('clip', options, ['norm', 'value']);
  const { norm, value } = options;
  if (norm === undefined && value === undefined) throw new OptionError('clip: give a norm, a value, or both');
  if (norm !== undefined) positive('clip: norm', norm);
  if (value !== undefined) positive('clip: value', value);
  return {
    name: optimizer.name,
    interval: optimizer.interval,
    bind(parameters) {
      const bound = optimizer.bind(parameters);
      return {
        state: bound.state,
        update(gradients, lr) {
          let limited = gradients;
          if (value !== undefined) limited = each(limited, (g) => maximum(minimum(g, value), -value));
          if (norm !== undefined && limited.size > 0) {
            const factor = minimum(div(norm, add(globalNorm(limited, norm), EPS)), 1);
            limited = each(limited, (g) => mul(g, factor));
          }
          bound.update(limited, lr);
        },
      };
    },
  };
}

/**
 * The Euclidean norm of all gradients. They are scaled by a power of two before they are squared, which changes no
 * digit, so that squares of gradients far above `norm`, which clipping is for, do not overflow.
 */
function globalNorm(gradients: ReadonlyMap<Variable, Tensor>, norm: number): Tensor {
  const exponent = Math.max(-60, Math.min(60, 40 + Math.round(Math.log2(norm))));
  const squares = [...gradients.values()].map((g) => sum(square(mul(g, 2 ** -exponent))));
  return mul(sqrt(squares.reduce((a, b) => add(a, b))), 2 ** exponent);
}

function each(gradients: ReadonlyMap<Variable, Tensor>, f: (g: Tensor) => Tensor): Map<Variable, Tensor> {
  return new Map([...gradients].map(([parameter, gradient]) => [parameter, f(gradient)]));
}
