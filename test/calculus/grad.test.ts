import { describe, expect, it } from 'vitest';
import {
  compileFunction,
  crossEntropy,
  DTypeError,
  derivative,
  f32,
  GraphError,
  grad,
  meanSquaredError,
  nn,
  OptionError,
  optim,
  ShapeError,
  sum,
  type Tensor,
  tensor,
  trace,
  trainStep,
  valueAndGrad,
} from '../../src/index.js';
import { Eager } from '../../src/tape/tape.js';

const parabola = (x: Tensor) => x.mul(x).mul(3);
const list = (x: Tensor) => Array.from((x as Eager).data);

describe('grad of numbers', () => {
  it('is 18 for 3x^2 at 3, where the value is 27', () => {
    expect(grad(parabola)(3)).toBe(18);
    expect(valueAndGrad(parabola)(3)).toEqual([27, 18]);
  });

  it('computes in float64, as JavaScript does, unless float32 is asked for', () => {
    const reciprocal = (x: Tensor) => x.log();
    expect(grad(reciprocal)(3)).toBe(1 / 3);
    expect(grad(reciprocal, { precision: 'float32' })(3)).toBe(Math.fround(1 / 3));
  });

  it('is that of central differences', () => {
    const f = (x: Tensor) => x.tanh().mul(x.exp()).sub(x.sigmoid().log());
    const plain = (x: number) => Math.tanh(x) * Math.exp(x) + Math.log(1 + Math.exp(-x));
    for (const x of [-2, -0.3, 0, 0.5, 1.7]) expect(grad(f)(x)).toBeCloseTo(derivative(plain, x), 8);
  });

  it('nests: every order of x^4', () => {
    const f = (x: Tensor) => x.square().square();
    expect(grad(grad(f))(2)).toBe(48);
    expect(grad(grad(grad(f)))(2)).toBe(48);
    expect(grad(grad(grad(grad(f))))(2)).toBe(24);
    expect(grad(grad(grad(grad(grad(f)))))(2)).toBe(0);
    expect(valueAndGrad(grad(f))(2)).toEqual([32, 48]);
  });

  it('takes arrays apart and puts gradients together in their form', () => {
    const f = (x: Tensor) => sum(x.square());
    expect(grad(f)([1, 2, 3])).toEqual([2, 4, 6]);
    expect(
      grad(f)([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ).toEqual([
      [2, 4],
      [6, 8],
      [10, 12],
    ]);
    expect(grad(f)([])).toEqual([]);
    expect(grad(f)([[], []])).toEqual([[], []]);
    expect(valueAndGrad(f)([[3], [4]])).toEqual([25, [[6], [8]]]);
  });

  it('is zero for what f does not depend on', () => {
    expect(grad(() => 5)(3)).toBe(0);
    expect(grad((_x: Tensor, y: Tensor) => y.square())(3, 2)).toBe(0);
    expect(grad((x: Tensor) => sum(x.mul(0).add(1)))([1, 2])).toEqual([0, 0]);
  });
});

describe('argnums', () => {
  const f = (x: Tensor, y: Tensor, z: Tensor) => sum(x.mul(y)).add(z.square());

  it('chooses the arguments', () => {
    expect(grad(f)([1, 2], [3, 4], 5)).toEqual([3, 4]);
    expect(grad(f, { argnums: 2 })([1, 2], [3, 4], 5)).toBe(10);
    expect(grad(f, { argnums: [2, 0] })([1, 2], [3, 4], 5)).toEqual([10, [3, 4]]);
    expect(valueAndGrad(f, { argnums: [1] })([1, 2], [3, 4], 5)).toEqual([36, [[1, 2]]]);
  });

  it('gives mixed second derivatives', () => {
    const product = (x: Tensor, y: Tensor) => x.square().mul(y);
    expect(grad(grad(product, { argnums: 1 }), { argnums: 0 })(3, 5)).toBe(6);
    expect(grad(grad(product, { argnums: 0 }), { argnums: 1 })(3, 5)).toBe(6);
  });

  it('must name arguments that are there, once', () => {
    expect(() => grad(f, { argnums: 3 })(1, 2, 3)).toThrow(
      'grad: argnums 3 is out of range: the function was called with 3 arguments, counted from 0',
    );
    expect(() => grad(f, { argnums: -1 })(1, 2, 3)).toThrow(OptionError);
    expect(() => grad(f, { argnums: 0.5 })(1, 2, 3)).toThrow('argnums 0.5 is out of range');
    expect(() => grad(f, { argnums: [0, 0] })(1, 2, 3)).toThrow('argnums [0, 0] name an argument twice');
    expect(() => grad(f, { argnums: [] })(1, 2, 3)).toThrow('argnums must be the place of an argument');
    expect(() => grad(() => 1)()).toThrow('called with 0 arguments');
  });
});

describe('grad of tensors', () => {
  it('returns tensors in the precision of those it got', () => {
    const f = (x: Tensor) => sum(x.log());
    expect(grad(f)(tensor([3])).data).toEqual(Float32Array.of(1 / 3));
    expect(grad(f)(tensor([3], { precision: 'float64' })).data).toEqual(Float64Array.of(1 / 3));
    expect(grad(f, { precision: 'float64' })(tensor([3])).data).toEqual(Float64Array.of(1 / 3));
    const [value] = valueAndGrad((x: Tensor, y: Tensor) => sum(x.mul(y)))(tensor([2]), 3);
    expect(value.item()).toBe(6);
  });

  it('leaves the arguments as they were and keeps nothing of the tape', () => {
    const x = tensor([1, 2]);
    const [value, gradient] = valueAndGrad((x: Tensor) => sum(x.square()))(x);
    expect([value.creator, gradient.creator, value.tracked, gradient.tracked]).toEqual([
      null,
      null,
      false,
      false,
    ]);
    expect([x.grad, x.tracked]).toEqual([null, false]);
  });

  it('can itself be followed back by backward, to its argument and to what f closes over', () => {
    const x = tensor(2, { requiresGrad: true });
    (grad((x: Tensor) => x.mul(x).mul(x))(x) as Eager).backward();
    expect(list(x.grad!)).toEqual([12]);
    const w = tensor(5, { requiresGrad: true });
    grad((x: Tensor) => w.mul(x).mul(x))(3) as unknown;
    grad((x: Tensor) => w.mul(x).mul(x))(tensor(3)).backward();
    expect(list(w.grad!)).toEqual([6]);
  });

  it('does not mistake another way to the same value for the argument', () => {
    expect(grad((x: Tensor) => grad((y: Tensor) => x.mul(y))(x))(3)).toBe(1);
    expect(grad((x: Tensor) => x.mul(grad((y: Tensor) => x.add(y))(1)))(1)).toBe(1);
  });

  it('differentiates through the value that an inner grad closes over', () => {
    expect(grad((w: Tensor) => grad((x: Tensor) => w.square().mul(x))(tensor(2)))(3)).toBe(6);
  });

  it('gives the Hessian of a network, column by column, as differences of gradients do', () => {
    const weights = tensor(
      [
        [0.3, -1.2],
        [0.7, 0.4],
        [-0.5, 0.9],
      ],
      { precision: 'float64' },
    );
    const targets = tensor([1], { dtype: 'i32' });
    const loss = (x: Tensor) => crossEntropy(x.reshape([1, 3]).tanh().matmul(weights), targets);
    const at = [0.2, -0.6, 1.1];
    for (const k of [0, 1, 2]) {
      const column = grad((x: Tensor) => sum((grad(loss)(x) as Tensor).slice([k], [1])))(at);
      at.forEach((_, i) => {
        const along = (v: number) => grad(loss)(at.map((x, j) => (j === i ? v : x)))[k];
        expect(column[i]).toBeCloseTo(derivative(along, at[i]), 8);
      });
    }
  });

  it('can stand in a loop of gradient descent without growing', () => {
    let x = tensor([4, -3]);
    for (let i = 0; i < 60; i++) x = x.sub(grad((x: Tensor) => sum(x.square()))(x).mul(0.25)) as Eager;
    expect(x.creator).toBeNull();
    expect(Math.max(...list(x).map(Math.abs))).toBeLessThan(1e-15);
  });
});

describe('grad in a trace', () => {
  it('compiles, with second derivatives and several arguments', async () => {
    const f = (x: Tensor, y: Tensor) => sum(x.tanh().mul(y).square());
    const graph = trace('derivatives', { x: f32(5), y: f32(5) }, ({ x, y }) => {
      const [value, [dx, dy]] = valueAndGrad(f, { argnums: [0, 1] })(x, y);
      return { value, dx, dy, second: grad((x: Tensor) => sum(grad(f)(x, y)))(x) };
    });
    const x = [-1.5, -0.2, 0, 0.4, 2];
    const y = [1, -2, 3, 0.5, -0.25];
    const [value, [dx, dy]] = valueAndGrad(f, { argnums: [0, 1] })(x, y);
    const second = grad((x: Tensor) => sum(grad(f)(x, tensor(y)) as Tensor))(x);
    const compiled = await compileFunction(graph);
    const got = compiled.call({ x, y });
    await compiled.close();
    for (const [name, want] of Object.entries({ value: [value], dx, dy, second })) {
      want.forEach((w, i) => {
        expect(Math.abs(got[name][i] - w), `${name} ${i}`).toBeLessThan(2e-6 * Math.max(1, Math.abs(w)));
      });
    }
  });

  it('is 18 for 3x^2 at 3 in WebAssembly too', async () => {
    const compiled = await compileFunction(
      trace('slope', { x: f32() }, ({ x }) => {
        const [value, slope] = valueAndGrad(parabola)(x);
        return { value, slope, curvature: grad(grad(parabola))(x) };
      }),
    );
    expect(compiled.call({ x: [3] })).toEqual({
      value: Float32Array.of(27),
      slope: Float32Array.of(18),
      curvature: Float32Array.of(6),
    });
    await compiled.close();
  });

  it('takes numbers, arrays and tensors of the tape as constants', () => {
    const graph = trace('constants', { w: f32() }, ({ w }) => ({
      number: grad((x: Tensor) => w.mul(x))(2) as unknown as Tensor,
      array: grad((x: Tensor) => sum(w.mul(x)))([1, 2]) as unknown as Tensor,
      eager: grad((x: Tensor) => sum(w.mul(x)))(tensor([1, 2, 3])) as Tensor,
    }));
    expect(graph.outputs.map(({ node }) => node.shape)).toEqual([[], [2], [3]]);
  });

  it('may stand in a loss: a gradient penalty trains the same on the tape and compiled', async () => {
    const model = nn.sequential(nn.linear(2, 4), nn.tanh(), nn.linear(4, 1));
    const step = trainStep({
      model,
      batch: { x: f32(8, 2), y: f32(8, 1) },
      loss: (model, { x, y }) => {
        const slopes = grad((x: Tensor) => sum(model(x)))(x);
        return meanSquaredError(model(x), y).add(slopes.square().mean().mul(0.1));
      },
      optimizer: optim.sgd(),
    });
    const x = Float32Array.from({ length: 32 }, (_, i) => ((i * 7) % 11) / 5 - 1);
    const y = Float32Array.from({ length: 16 }, (_, i) => ((i * 5) % 7) / 3 - 1);
    const tape = step.interpret({ precision: 'float64' });
    const compiled = await step.compile();
    for (const session of [tape, compiled]) session.data({ x, y });
    for (let i = 0; i < 20; i++) {
      const want = tape.step({ lr: 0.1 });
      expect(Math.abs(compiled.step({ lr: 0.1 }) / want - 1)).toBeLessThan(1e-5);
    }
    await compiled.close();
  });
});

describe('what grad refuses', () => {
  const file = 'grad.test.ts';
  it.each<[() => unknown, new (...args: never[]) => Error, string]>([
    [
      () => grad((x: Tensor) => x.mul(2))([1, 2]),
      ShapeError,
      'grad: f must return a scalar, got f32[2]: differentiate its sum or mean',
    ],
    [
      () => valueAndGrad((x: Tensor) => x)([[1, 2]]),
      ShapeError,
      'valueAndGrad: f must return a scalar, got f32[1,2]',
    ],
    [() => grad((x: Tensor) => x.less(1))(3), DTypeError, 'grad: f must return f32, got bool[]'],
    [
      () => grad((x: Tensor) => x.gather(x))(tensor([1], { dtype: 'i32' })),
      DTypeError,
      'grad: argument 0 is i32[1]; only f32 has gradients',
    ],
    [() => grad((x: Tensor) => (x as unknown as number) * 2)(3), GraphError, 'write a.sub(b), a.mul(2)'],
    [
      () => grad((() => undefined) as unknown as () => Tensor)(3),
      GraphError,
      'f must return a tensor of one element, got undefined',
    ],
    [() => grad((async () => 1) as unknown as () => number)(3), GraphError, 'got a promise'],
    [
      () => grad(parabola, 1 as unknown as object),
      OptionError,
      'grad: the options must be an object, as in { argnums: 1 }, got 1',
    ],
    [
      () => grad(parabola, null as unknown as object),
      OptionError,
      'the options must be an object, as in { argnums: 1 }, got null',
    ],
    [
      () => grad(parabola)(new Float32Array(2) as unknown as number[]),
      GraphError,
      'argument 0 has a Float32Array (pass a tensor, or Array.from it) where a number should be',
    ],
    [
      () => grad(parabola, { precision: 'float16' as 'float32' })(3),
      OptionError,
      "grad: precision must be 'float32' or 'float64', got float16",
    ],
    [() => grad(3 as unknown as () => number), OptionError, 'grad: f must be a function, got 3'],
    [() => grad(parabola)(Number.NaN), GraphError, 'grad: argument 0 has NaN where a number should be'],
    [
      () => grad(parabola)('3' as unknown as number),
      GraphError,
      'argument 0 has a string where a number should be',
    ],
    [() => grad(parabola)(undefined as unknown as number), GraphError, 'argument 0 has undefined'],
    [() => grad(parabola)([1, null] as unknown as number[]), GraphError, 'argument 0 has null'],
    [
      () => grad(parabola)([tensor(1)] as unknown as number[]),
      GraphError,
      'argument 0 is an array with tensors in it',
    ],
    [() => grad((x: Tensor) => sum(x))([[1, 2], [3]]), GraphError, 'tensor: a row has 1 elements, not 2'],
  ])('%#', (call, type, message) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });

  it('says where a shape is wrong', () => {
    expect(() => grad((x: Tensor) => x)([1, 2])).toThrow(file);
  });
});

describe('tensor', () => {
  it('refuses what is not made of numbers, and does not search it for ever', () => {
    for (const wrong of ['a', ['a'], [null], undefined, {}])
      expect(() => tensor(wrong as unknown as number)).toThrow(
        'tensor: expected a number or an array of numbers',
      );
    expect(tensor(new Float32Array([1, 2]) as unknown as number[])).toBeInstanceOf(Eager);
  });
});
