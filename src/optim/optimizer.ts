import { boolean, checkOptions, fraction, notNegative, positive, shown } from '../check.js';
import { OptionError } from '../errors.js';
import * as init from '../init/init.js';
import { add, div, maximum, mul, sqrt, sub } from '../ops/elementwise.js';
import { type Tensor, Variable } from '../ops/tensor.js';

/** A rule that turns gradients into new parameters. It is traced into the step like the model. */
export interface Optimizer {
  readonly name: string;
  /** Parameters move in every so many steps alone, the last of so many; 1 unless given. */
  readonly interval?: number;
  /** Prepares the state for these parameters. */
  bind(parameters: ReadonlyMap<string, Variable>): BoundOptimizer;
  /** Functions have a name and a bind, too: one is not meant where an optimizer has to be called first. */
  readonly call?: never;
}

export interface BoundOptimizer {
  /** State by name, saved with the parameters. */
  readonly state: ReadonlyMap<string, Variable>;
  /** Assigns every parameter its next value. */
  update(gradients: ReadonlyMap<Variable, Tensor>, learningRate: Tensor): void;
}

/**
 * Refuses what is no optimizer: above all one that was not called.
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * optim.checkOptimizer('train: the optimizer', optim.adam());
 * try {
 *   optim.checkOptimizer('train: the optimizer', optim.adam as never);
 * } catch (error) {
 *   console.log((error as Error).message); // train: the optimizer is a function: call it, as in optim.adam()
 * }
 * ```
 */
export function checkOptimizer(what: string, optimizer: Optimizer): void {
  if (typeof optimizer === 'function')
    throw new OptionError(`${what} is a function: call it, as in optim.adam()`);
  if (typeof optimizer !== 'object' || typeof optimizer?.bind !== 'function')
    throw new OptionError(`${what} must be one such as optim.adam(), got ${shown(optimizer)}`);
}

/** Options that other libraries' optimizers have, and where they are here. */
const ELSEWHERE = {
  lr: 'the rate is given to session.run({ steps, lr }) and session.step({ lr })',
  learningRate: 'the rate is given to session.run({ steps, lr }) and session.step({ lr })',
  betas: 'give beta1 and beta2',
};

export interface DecayOptions {
  /** Weight decay, of which each optimizer says how it comes in. */
  weightDecay?: number | undefined;
  /** Which parameters it pulls at, by name and shape; all unless given. `matrices` leaves biases out. */
  decayed?: ((name: string, shape: readonly number[]) => boolean) | undefined;
}

/**
 * For `decayed`: what has two axes or more, so no biases and no scales of norms.
 * @example
 * ```ts
 * import { optim } from '2headgrad';
 * console.log(optim.matrices('weight', [2, 8]), optim.matrices('bias', [8])); // true false
 * ```
 */
export const matrices = (_name: string, shape: readonly number[]): boolean => shape.length > 1;

/** How strongly each parameter decays. */
function decayOf(
  what: string,
  { weightDecay = 0, decayed }: DecayOptions,
): (name: string, parameter: Variable) => number {
  notNegative(`${what}: weightDecay`, weightDecay);
  if (decayed !== undefined && typeof decayed !== 'function')
    throw new OptionError(
      `${what}: decayed must be a function of a parameter's name and shape, got ${shown(decayed)}`,
    );
  return (name, { shape }) => (decayed && !decayed(name, shape) ? 0 : weightDecay);
}

export interface SgdOptions extends DecayOptions {
  momentum?: number | undefined;
  nesterov?: boolean | undefined;
}

/**
 * Stochastic gradient descent; momentum without dampening, as PyTorch's SGD. Weight decay times the parameter is added
 * to its
 * gradient.
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(8, 2), y: f32(8, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd({ momentum: 0.9 }),
 * });
 * console.log(step.interpret().names('state').join(' ')); // optimizer.velocity.weight optimizer.velocity.bias
 * ```
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkOptions('sgd', options, ['momentum', 'nesterov', 'weightDecay', 'decayed'], ELSEWHERE);
  const { momentum = 0, nesterov = false } = options;
  fraction('sgd: momentum', momentum);
  const decays = decayOf('sgd', options);
  boolean('sgd: nesterov', nesterov);
  if (nesterov && momentum === 0) throw new OptionError('sgd: nesterov needs a momentum above 0');
  return perParameter(
    'sgd',
    momentum > 0 ? ['velocity'] : [],
    ({ p, name, gradient, state: { velocity }, lr }) => {
      const decay = decays(name, p);
      const g = decay > 0 ? add(gradient, mul(p, decay)) : gradient;
      if (!velocity) return sub(p, mul(g, lr));
      const v = add(mul(velocity, momentum), g);
      velocity.assign(v);
      return sub(p, mul(nesterov ? add(g, mul(v, momentum)) : v, lr));
    },
  );
}

export interface AdamOptions extends DecayOptions {
  beta1?: number | undefined;
  beta2?: number | undefined;
  eps?: number | undefined;
}

/**
 * Adam; weight decay is added to the gradient. (Kingma and Ba 2015, algorithm 1.)
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(8, 2), y: f32(8, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().names('state').join(' ')); // optimizer.m.weight optimizer.v.weight optimizer.m.bias optimizer.v.bias optimizer.correction1 optimizer.correction2
 * ```
 */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamRule('adam', options, 0, false);
}

/**
 * Adam with weight decay apart from the gradient. (Loshchilov and Hutter 2019, algorithm 2.)
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(8, 2), y: f32(8, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adamW({ weightDecay: 0.1, decayed: optim.matrices }),
 * });
 * console.log(step.interpret().names('state').join(' ')); // optimizer.m.weight optimizer.v.weight optimizer.m.bias optimizer.v.bias optimizer.correction1 optimizer.correction2
 * ```
 */
export function adamW(options: AdamOptions = {}): Optimizer {
  return adamRule('adamw', options, 0.01, true);
}

function adamRule(name: string, options: AdamOptions, usualDecay: number, decoupled: boolean): Optimizer {
  checkOptions(name, options, ['beta1', 'beta2', 'eps', 'weightDecay', 'decayed'], ELSEWHERE);
  const { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = usualDecay } = options;
  fraction(`${name}: beta1`, beta1);
  fraction(`${name}: beta2`, beta2);
  const decays = decayOf(name, { ...options, weightDecay });
  positive(`${name}: eps`, eps);
  return {
    name,
    bind(parameters) {
      // 1 - beta^t by recurrence: exact enough in f32, where 1 - pow(beta, t) would cancel.
      const correction1 = new Variable('state', [], 'f32', init.zeros);
      const correction2 = new Variable('state', [], 'f32', init.zeros);
      const bound = perParameter(name, ['m', 'v'], ({ p, name, gradient, state: { m, v }, lr }) => {
        const decay = decays(name, p);
        const g = decay > 0 && !decoupled ? add(gradient, mul(p, decay)) : gradient;
        const nextM = add(mul(m, beta1), mul(g, 1 - beta1));
        const nextV = add(mul(v, beta2), mul(mul(g, g), 1 - beta2));
        m.assign(nextM);
        v.assign(nextV);
        const kept = decay > 0 && decoupled ? sub(p, mul(mul(lr, decay), p)) : p;
        const root = add(div(sqrt(nextV), sqrt(correction2)), eps);
        return sub(kept, mul(div(lr, correction1), div(nextM, root)));
      }).bind(parameters);
      return {
        state: new Map([...bound.state, ['correction1', correction1], ['correction2', correction2]]),
        update(gradients, lr) {
          correction1.assign(add(mul(correction1, beta1), 1 - beta1));
          correction2.assign(add(mul(correction2, beta2), 1 - beta2));
          bound.update(gradients, lr);
        },
      };
    },
  };
}

export interface RmsPropOptions extends DecayOptions {
  /** Weight of the past in the running mean of squared gradients; 0.99 unless given. */
  alpha?: number | undefined;
  eps?: number | undefined;
  momentum?: number | undefined;
  /** Divide by the gradient's deviation rather than by its root mean square. */
  centered?: boolean | undefined;
}

/**
 * Gradients over the root of their running mean square (Hinton, Neural networks for machine learning, 2012, lecture
 * 6e), as PyTorch's RMSprop: `eps` is added to the root, weight decay to the gradient, and momentum keeps the scaled
 * gradients. `centered` takes the square of the running mean off first (Graves 2013, equations 38 to 41).
 *
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(8, 2), y: f32(8, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.rmsprop(),
 * });
 * console.log(step.interpret().names('state').join(' ')); // optimizer.square.weight optimizer.square.bias
 * ```
 */
export function rmsprop(options: RmsPropOptions = {}): Optimizer {
  checkOptions(
    'rmsprop',
    options,
    ['alpha', 'eps', 'weightDecay', 'decayed', 'momentum', 'centered'],
    ELSEWHERE,
  );
  const { alpha = 0.99, eps = 1e-8, momentum = 0, centered = false } = options;
  const decays = decayOf('rmsprop', options);
  boolean('rmsprop: centered', centered);
  fraction('rmsprop: alpha', alpha);
  fraction('rmsprop: momentum', momentum);
  positive('rmsprop: eps', eps);
  const slots = ['square', ...(centered ? ['mean'] : []), ...(momentum > 0 ? ['velocity'] : [])];
  return perParameter('rmsprop', slots, ({ p, name, gradient, state, lr }) => {
    const { square, mean, velocity } = state;
    const decay = decays(name, p);
    const g = decay > 0 ? add(gradient, mul(p, decay)) : gradient;
    const average = (of: Tensor, x: Tensor) => add(mul(of, alpha), mul(x, 1 - alpha));
    const nextSquare = average(square, mul(g, g));
    square.assign(nextSquare);
    let spread = nextSquare;
    if (mean) {
      const nextMean = average(mean, g);
      mean.assign(nextMean);
      // Rounding takes the variance of a constant gradient below 0, where it has no root.
      spread = maximum(sub(nextSquare, mul(nextMean, nextMean)), 0);
    }
    const scaled = div(g, add(sqrt(spread), eps));
    if (!velocity) return sub(p, mul(scaled, lr));
    const v = add(mul(velocity, momentum), scaled);
    velocity.assign(v);
    return sub(p, mul(v, lr));
  });
}

/** The next value of a parameter. */
type Rule = (step: {
  p: Variable;
  name: string;
  gradient: Tensor;
  state: Record<string, Variable>;
  lr: Tensor;
}) => Tensor;

/** An optimizer that treats every parameter alike, each with its own zero-initialised `slots`. */
function perParameter(name: string, slots: string[], rule: Rule): Optimizer {
  return {
    name,
    bind(parameters) {
      const state = new Map<string, Variable>();
      const own = new Map<Variable, { name: string; state: Record<string, Variable> }>();
      for (const [path, p] of parameters) {
        const entries = slots.map(
          (slot) => [slot, new Variable('state', p.shape, p.dtype, init.zeros)] as const,
        );
        for (const [slot, variable] of entries) state.set(`${slot}.${path}`, variable);
        own.set(p, { name: path, state: Object.fromEntries(entries) });
      }
      return {
        state,
        update(gradients, lr) {
          for (const [p, gradient] of gradients) p.assign(rule({ p, gradient, lr, ...own.get(p)! }));
        },
      };
    },
  };
}
