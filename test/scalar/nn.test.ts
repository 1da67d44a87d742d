import { describe, expect, it } from 'vitest';
import { Layer, MLP, Neuron, OptionError, Value } from '../../src/index.js';
import { RandomStream, STREAMS } from '../../src/random/philox.js';

const examples = [
  { x: [2, 3, -1], y: 1 },
  { x: [3, -1, 0.5], y: -1 },
  { x: [0.5, 1, 1], y: -1 },
  { x: [1, 1, -1], y: 1 },
];

function lossOf(mlp: MLP): Value {
  return examples.map(({ x, y }) => mlp.forward(x)[0].sub(y).pow(2)).reduce((a, b) => a.add(b));
}

function train(mlp: MLP, steps: number, lr: number): number {
  for (let i = 0; i < steps; i++) {
    mlp.zeroGrad();
    lossOf(mlp).backward();
    mlp.step(lr);
  }
  return lossOf(mlp).data;
}

describe('a Neuron', () => {
  it('is the activation of w x + b', () => {
    const neuron = new Neuron(2, { seed: 7 });
    const [w0, w1, b] = neuron.parameters().map((p) => p.data);
    expect(neuron.forward([0.5, -2]).data).toBeCloseTo(Math.tanh(w0 * 0.5 + w1 * -2 + b), 14);
    const linear = new Neuron(2, { seed: 7, activation: 'linear' });
    expect(linear.forward([0.5, -2]).data).toBeCloseTo(w0 * 0.5 + w1 * -2 + b, 14);
    const relu = new Neuron(1, { init: () => 1, activation: 'relu' });
    expect([relu.forward([2]).data, relu.forward([-2]).data]).toEqual([3, 0]);
  });

  it('passes gradients on to inputs that are values', () => {
    const neuron = new Neuron(1, { init: () => 2, activation: 'linear' });
    const x = new Value(5);
    neuron.forward([x]).backward();
    expect([x.grad, ...neuron.parameters().map((p) => p.grad)]).toEqual([2, 5, 1]);
  });
});

describe('an MLP', () => {
  it('has the parameters of its layers, with names', () => {
    const mlp = new MLP(3, [4, 4, 1]);
    expect(mlp.parameters()).toHaveLength(3 * 4 + 4 + 4 * 4 + 4 + 4 + 1);
    expect(mlp.parameters()[0].label).toBe('l0.n0.w0');
    expect(mlp.parameters().at(-1)!.label).toBe('l2.n0.b');
    expect(new Set(mlp.parameters().map((p) => p.label)).size).toBe(41);
    expect(mlp.forward([1, 2, 3])).toHaveLength(1);
    expect(new Layer(3, 5).forward([1, 2, 3])).toHaveLength(5);
  });

  it("draws its parameters from the project's generator, evenly in (-1, 1): the seed alone decides", () => {
    const data = (seed?: number) => new MLP(3, [4, 4, 1], { seed }).parameters().map((p) => p.data);
    const stream = new RandomStream(9, STREAMS.init);
    expect(data(9)).toEqual(Array.from({ length: 41 }, (_, i) => 2 * stream.uniform(i) - 1));
    expect(data(9)).not.toEqual(data(10));
    expect(data()).toEqual(data(42));
    expect(data(9).every((x) => x > -1 && x < 1)).toBe(true);
  });

  it.each([1, 2, 3, 42, 1234])('learns the four examples from seed %i', (seed) => {
    const mlp = new MLP(3, [4, 4, 1], { seed });
    const before = lossOf(mlp).data;
    const after = train(mlp, 300, 0.05);
    expect(before).toBeGreaterThan(1);
    expect(after).toBeLessThan(0.05);
    for (const { x, y } of examples) expect(Math.sign(mlp.forward(x)[0].data)).toBe(y);
  });

  it('learns them with relu and a linear output too', () => {
    expect(
      train(new MLP(3, [8, 8, 1], { seed: 3, activation: 'relu', output: 'linear' }), 300, 0.01),
    ).toBeLessThan(0.05);
  });

  it('takes a step of -lr times the gradient, and zeroGrad clears what has been added up', () => {
    const mlp = new MLP(3, [2, 1]);
    lossOf(mlp).backward();
    const before = mlp.parameters().map(({ data, grad }) => ({ data, grad }));
    mlp.step(0.25);
    expect(mlp.parameters().map((p) => p.data)).toEqual(before.map(({ data, grad }) => data - 0.25 * grad));
    const once = mlp.parameters().map((p) => p.grad);
    mlp.zeroGrad();
    expect(mlp.parameters().every((p) => p.grad === 0)).toBe(true);
    expect(once.some((g) => g !== 0)).toBe(true);
  });

  it('without zeroGrad adds the next gradient to the last', () => {
    const mlp = new MLP(3, [2, 1]);
    lossOf(mlp).backward();
    const once = mlp.parameters().map((p) => p.grad);
    lossOf(mlp).backward();
    mlp.parameters().forEach((p, i) => {
      expect(p.grad).toBe(2 * once[i]);
    });
  });
});

describe('what the layers refuse', () => {
  it.each<[() => unknown, string]>([
    [() => new Neuron(2).forward([1]), 'Neuron: expected an array of 2 inputs, got 1'],
    [
      () => new Neuron(2).forward(1 as unknown as number[]),
      'Neuron: expected an array of 2 inputs, got number',
    ],
    [() => new Neuron(1).forward([Number.NaN]), 'mul: expected a Value or a finite number, got NaN'],
    [() => new Neuron(0), 'Neuron: inputs: expected a whole number from 1, got 0'],
    [() => new Neuron(2.5), 'Neuron: inputs: expected a whole number from 1, got 2.5'],
    [
      () => new Neuron(2, { activation: 'swish' as 'tanh' }),
      'activation must be one of tanh, relu, linear, got swish',
    ],
    [() => new Neuron(2, { seed: -1 }), 'seed: expected a whole number from 0 to 4294967295, got -1'],
    [() => new Neuron(2, { init: () => Number.NaN }), 'Value: expected a finite number, got NaN'],
    [() => new Layer(2, 0), 'Layer: outputs: expected a whole number from 1, got 0'],
    [() => new MLP(3, []), 'MLP: the second argument gives the size of each layer, as in [4, 4, 1]'],
    [() => new MLP(3, 4 as unknown as number[]), 'MLP: the second argument gives the size of each layer'],
    [() => new MLP(3, [4, -1]), 'Layer: outputs: expected a whole number from 1, got -1'],
    [() => new MLP(3, [1]).step(Number.NaN), 'step: the learning rate must be a number from 0, got NaN'],
    [() => new MLP(3, [1]).step(-0.1), 'step: the learning rate must be a number from 0, got -0.1'],
    [
      () => new MLP(3, [1]).step('1' as unknown as number),
      'step: the learning rate must be a number from 0, got "1"',
    ],
  ])('%#', (call, message) => {
    expect(call).toThrow(OptionError);
    expect(call).toThrow(message);
  });

  it('leaves every parameter as it was where one of them could not move', () => {
    const layer = new Layer(1, 2, { init: () => 0.5 });
    layer.parameters().forEach((p, i) => {
      p.grad = i === 3 ? Number.NaN : 1;
    });
    expect(() => layer.step(0.1)).toThrow(
      'step: n1.b = 0.5 would become NaN, its gradient being NaN; nothing was changed',
    );
    expect(layer.parameters().map((p) => p.data)).toEqual([0.5, 0.5, 0.5, 0.5]);
  });
});
