import { checkOptions, learningRate, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { RandomStream, STREAMS } from '../random/philox.js';
import { checkSeed } from '../random/seed.js';
import { Value } from './value.js';

const ACTIVATIONS = {
  tanh: (x: Value) => x.tanh(),
  relu: (x: Value) => x.relu(),
  linear: (x: Value) => x,
};
export type Activation = keyof typeof ACTIVATIONS;

export interface NeuronOptions {
  /** Applied to the weighted sum; tanh unless given. */
  activation?: Activation | undefined;
  /** Of the initial parameters: the same seed gives the same bits everywhere. 42 unless given. */
  seed?: number | undefined;
  /** Gives the parameters one after the other, in place of the seed. By default uniform in (-1, 1). */
  init?: (() => number) | undefined;
  /** What the labels of the parameters begin with. */
  label?: string | undefined;
}

export interface MLPOptions extends NeuronOptions {
  /** Activation of the last layer, if it is another. */
  output?: Activation | undefined;
}

const NEURON_OPTIONS = ['activation', 'seed', 'init', 'label'] as const;

/** What has parameters to train. */
abstract class Trained {
  abstract parameters(): Value[];

  /** One step of gradient descent: each parameter moves by -lr times its gradient. Changes all of them or none. */
  step(lr: number): void {
    learningRate('step: the learning rate', lr);
    const parameters = this.parameters();
    const moved = parameters.map(({ data, grad, label }) => {
      const next = data - lr * grad;
      if (Number.isFinite(next)) return next;
      throw new OptionError(
        `step: ${label} = ${data} would become ${next}, its gradient being ${grad}; nothing was changed. Try a lower learning rate.`,
      );
    });
    parameters.forEach((p, i) => {
      p.data = moved[i];
    });
  }

  /** Sets the gradients of the parameters back to 0, for the next `backward`. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = 0;
  }
}

/**
 * activation(w . x + b)
 * @example
 * ```ts
 * import { Neuron } from '2headgrad';
 * const neuron = new Neuron(2, { init: () => 0.5, activation: 'linear' });
 * console.log(neuron.forward([1, 2]).data); // 2
 * ```
 */
export class Neuron extends Trained {
  readonly weights: readonly Value[];
  readonly bias: Value;
  private readonly activate: (x: Value) => Value;

  constructor(inputs: number, options: NeuronOptions = {}) {
    super();
    checkOptions('Neuron', options, NEURON_OPTIONS);
    const { activation = 'tanh', init = uniform(options.seed), label = '' } = options;
    this.activate = ACTIVATIONS[activation];
    if (!Object.hasOwn(ACTIVATIONS, activation)) {
      throw new OptionError(
        `Neuron: activation must be one of ${Object.keys(ACTIVATIONS).join(', ')}, got ${activation}`,
      );
    }
    const n = wholeNumber('Neuron: inputs', inputs);
    this.weights = Array.from({ length: n }, (_, i) => new Value(init(), `${label}w${i}`));
    this.bias = new Value(init(), `${label}b`);
  }

  forward(x: readonly (Value | number)[]): Value {
    const { weights, bias, activate } = this;
    if (!Array.isArray(x) || x.length !== weights.length) {
      const got = Array.isArray(x) ? x.length : typeof x;
      throw new OptionError(`Neuron: expected an array of ${weights.length} inputs, got ${got}`);
    }
    return activate(weights.reduce((sum, weight, i) => sum.add(weight.mul(x[i])), bias));
  }

  parameters(): Value[] {
    return [...this.weights, this.bias];
  }
}

/**
 * Neurons that see the same inputs.
 * @example
 * ```ts
 * import { Layer } from '2headgrad';
 * const layer = new Layer(2, 3);
 * console.log(layer.forward([1, 2]).length, layer.parameters().length); // 3 9
 * ```
 */
export class Layer extends Trained {
  readonly neurons: readonly Neuron[];

  constructor(inputs: number, outputs: number, options: NeuronOptions = {}) {
    super();
    checkOptions('Layer', options, NEURON_OPTIONS);
    const { init = uniform(options.seed), label = '' } = options;
    const n = wholeNumber('Layer: outputs', outputs);
    this.neurons = Array.from(
      { length: n },
      (_, i) => new Neuron(inputs, { ...options, init, label: `${label}n${i}.` }),
    );
  }

  forward(x: readonly (Value | number)[]): Value[] {
    return this.neurons.map((neuron) => neuron.forward(x));
  }

  parameters(): Value[] {
    return this.neurons.flatMap((neuron) => neuron.parameters());
  }
}

/**
 * A multi-layer perceptron: `new MLP(3, [4, 4, 1])` has three inputs, two hidden layers of four, one output.
 * @example
 * ```ts
 * import { MLP } from '2headgrad';
 * const model = new MLP(2, [4, 1]);
 * for (let step = 0; step < 100; step++) {
 *   const [y] = model.forward([0.5, -1]);
 *   model.zeroGrad();
 *   y.sub(0.3).pow(2).backward();
 *   model.step(0.1);
 * }
 * console.log(model.forward([0.5, -1])[0].data.toFixed(2)); // 0.30
 * ```
 */
export class MLP extends Trained {
  readonly layers: readonly Layer[];

  constructor(inputs: number, outputs: readonly number[], options: MLPOptions = {}) {
    super();
    checkOptions('MLP', options, [...NEURON_OPTIONS, 'output']);
    const { init = uniform(options.seed), label = '', activation = 'tanh', output = activation } = options;
    if (!Array.isArray(outputs) || outputs.length === 0) {
      throw new OptionError('MLP: the second argument gives the size of each layer, as in [4, 4, 1]');
    }
    const last = outputs.length - 1;
    this.layers = outputs.map((size, i) => {
      const own = { init, label: `${label}l${i}.`, activation: i === last ? output : activation };
      return new Layer(i === 0 ? inputs : outputs[i - 1], size, own);
    });
  }

  forward(x: readonly (Value | number)[]): Value[] {
    return this.layers.reduce<readonly (Value | number)[]>((x, layer) => layer.forward(x), x) as Value[];
  }

  parameters(): Value[] {
    return this.layers.flatMap((layer) => layer.parameters());
  }
}

/** Draws of the stream that initial values come from, evenly in (-1, 1). */
function uniform(seed = 42): () => number {
  checkSeed(seed);
  const random = new RandomStream(seed, STREAMS.init);
  let i = 0;
  return () => 2 * random.uniform(i++) - 1;
}
