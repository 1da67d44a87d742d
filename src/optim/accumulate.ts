import { wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import * as init from '../init/init.js';
import { equal, where } from '../ops/compare.js';
import { add, mul } from '../ops/elementwise.js';
import { interpreter, Variable } from '../ops/tensor.js';
import { checkOptimizer, type Optimizer } from './optimizer.js';

/**
 * Gradient accumulation: `optimizer` acts in every `steps`-th step alone, on the mean of the gradients since it last
 * did, as if those batches had been one. Steps between leave parameters and the optimizer's state as they are; the
 * learning rate is that of the step that acts. So a model is trained with batches that would not fit into memory.
 *
 * The sums and their count are state, so that a checkpoint may be taken between. To limit the mean gradient, clip
 * inside: `accumulate(clip(sgd(), { norm: 1 }), 4)`.
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(8, 2), y: f32(8, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.accumulate(optim.sgd(), 4),
 * });
 * console.log(step.interpret().names('state').join(' ')); // optimizer.accumulated.weight optimizer.accumulated.bias optimizer.accumulated
 * ```
 */
export function accumulate(optimizer: Optimizer, steps: number): Optimizer {
  checkOptimizer('accumulate: the optimizer', optimizer);
  wholeNumber('accumulate: steps', steps);
  if (steps === 1) return optimizer;
  if ((optimizer.interval ?? 1) > 1)
    throw new OptionError('accumulate: the optimizer accumulates already; give one number of steps');
  return {
    name: optimizer.name,
    interval: steps,
    bind(parameters) {
      const bound = optimizer.bind(parameters);
      const count = new Variable('state', [], 'i32', init.zeros);
      const sums = new Map(
        [...parameters].map(([name, p]) => [
          p,
          { name, sum: new Variable('state', p.shape, p.dtype, init.zeros) },
        ]),
      );
      return {
        state: new Map([
          ...bound.state,
          ...[...sums.values()].map(({ name, sum }) => [`accumulated.${name}`, sum] as const),
          ['accumulated', count],
        ]),
        update(gradients, lr) {
          const by = interpreter();
          const acts = equal(count, steps - 1);
          count.assign(where(acts, 0, add(count, 1)));
          const totals = new Map(
            [...gradients].map(([p, gradient]) => {
              const { sum } = sums.get(p)!;
              const total = add(sum, gradient);
              sum.assign(where(acts, 0, total));
              return [p, mul(total, 1 / steps)] as const;
            }),
          );
          const kept = [...gradients.keys(), ...bound.state.values()].map((v) => [v, by.read(v)] as const);
          bound.update(totals, lr);
          for (const [variable, before] of kept) {
            const after = by.read(variable);
            if (after !== before) variable.assign(where(acts, after, before));
          }
        },
      };
    },
  };
}
