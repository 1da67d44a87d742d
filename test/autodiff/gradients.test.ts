import { describe, expect, it } from 'vitest';
import { gather, gradients, init, nn, sum, type Tensor, tensor, trace } from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { checkGradients, leaf, onTape } from '../ops/run.js';

const list = (x: Tensor | null) => (x ? Array.from((x as Eager).data) : null);
const vector = (...values: number[]) => leaf({ shape: [values.length], dtype: 'f32' }, values);

describe('gradients', () => {
  it('adds up what comes along every path', () => {
    const x = vector(2, 3);
    const [g] = onTape('float64', () => gradients(sum(x.mul(x).add(x).add(x)), [x]));
    expect(list(g)).toEqual([6, 8]);
  });

  it('is null for what the output does not depend on', () => {
    const [x, y] = [vector(1), vector(2)];
    const found = onTape('float64', () => gradients(sum(x.mul(3)), [y, x]));
    expect(found.map(list)).toEqual([null, [3]]);
  });

  it('is 1 for the output itself', () => {
    const x = vector(5);
    expect(onTape('float64', () => gradients(x, [x])).map(list)).toEqual([[1]]);
  });

  it('reaches tensors in the middle as well as leaves', () => {
    const x = vector(3);
    const found = onTape('float64', () => {
      const y = x.mul(x);
      return gradients(sum(y.mul(y)), [y, x]);
    });
    expect(found.map(list)).toEqual([[18], [108]]);
  });

  it('does not pass stopGradient, comparisons or integers', () => {
    const x = vector(2);
    const through = (f: (x: Tensor) => Tensor) =>
      onTape('float64', () => gradients(sum(f(x)), [x])).map(list)[0];
    expect(through((t) => t.stopGradient())).toBeNull();
    expect(through((t) => t.mul(t.stopGradient()))).toEqual([2]);
    expect(through((t) => t.greater(0).cast('f32'))).toBeNull();
    expect(through((t) => t.cast('i32').cast('f32'))).toBeNull();
    expect(through((t) => t.cast('i32').cast('f32').mul(t))).toEqual([2]);
  });

  it('starts from the cotangent that is given', () => {
    const x = vector(1, 2);
    const [g] = onTape('float64', () => gradients(x.mul(x), [x], { cotangent: vector(10, 100) }));
    expect(list(g)).toEqual([20, 400]);
  });

  it('asks for a scalar of floats', () => {
    const x = vector(1, 2);
    expect(() => gradients(x, [x])).toThrow(
      'gradients: the output must be a scalar, not f32[2]: take its sum or mean',
    );
    expect(() => gradients(x.less(1), [x])).toThrow('gradients: the output must be f32, not bool[2]');
  });

  it('walks chains far deeper than the stack of calls', () => {
    const x = vector(1);
    const [g] = onTape('float64', () => {
      let y: Tensor = x;
      for (let i = 0; i < 50_000; i++) y = y.add(1);
      return gradients(sum(y), [x]);
    });
    expect(list(g)).toEqual([1]);
  });

  it('is not exponential where every value is used twice', () => {
    const x = vector(1);
    const [g] = onTape('float64', () => {
      let y: Tensor = x;
      for (let i = 0; i < 60; i++) y = y.add(y);
      return gradients(sum(y), [x]);
    });
    expect(list(g)).toEqual([2 ** 60]);
  });
});

describe('gradients of gradients', () => {
  it('exist where the first are kept differentiable', () => {
    const x = vector(2);
    const found = onTape('float64', () => {
      let y = sum(x.mul(x).mul(x).mul(x));
      const orders: Tensor[] = [];
      for (let order = 1; order <= 4; order++) {
        y = sum(gradients(y, [x], { createGraph: true })[0]!);
        orders.push(y);
      }
      return orders.map((t) => (t as Eager).item());
    });
    expect(found).toEqual([32, 48, 48, 24]);
  });

  it('give the Hessian times a vector of a small network', () => {
    const inputs = [
      leaf(
        { shape: [3, 4], dtype: 'f32' },
        Array.from({ length: 12 }, (_, i) => Math.sin(i + 1)),
      ),
      leaf(
        { shape: [4, 2], dtype: 'f32' },
        Array.from({ length: 8 }, (_, i) => Math.cos(3 * i)),
      ),
    ];
    const x = leaf(
      { shape: [5, 3], dtype: 'f32' },
      Array.from({ length: 15 }, (_, i) => Math.sin(7 * i)),
    );
    const loss = ([a, b]: Tensor[]) => sum(x.matmul(a).tanh().matmul(b).softmax().square());
    const directional = (of: Eager[]) => {
      const first = gradients(loss(of), of, { createGraph: true });
      return first.map((g, i) => sum(g!.mul(i + 0.5))).reduce((a, b) => a.add(b)) as Eager;
    };
    const found = onTape('float64', () => gradients(directional(inputs), inputs));
    const value = (of: Eager[]) => onTape('float64', () => directional(of).item());
    expect(
      checkGradients(
        inputs,
        value,
        found.map((g) => (g as Eager).data),
      ),
    ).toEqual([]);
  });

  it('are not to be had where the first were computed without a graph', () => {
    const x = vector(2);
    const second = onTape('float64', () => gradients(sum(gradients(sum(x.mul(x)), [x])[0]!), [x]));
    expect(second).toEqual([null]);
  });
});

describe('gradients in a trace', () => {
  it('become nodes of the graph', () => {
    const graph = trace('slope', { x: { shape: [3], dtype: 'f32' } }, ({ x }) => ({
      g: gradients(sum(x.tanh()), [x])[0]!,
    }));
    expect(graph.outputs.map((o) => o.name)).toEqual(['g']);
    expect(graph.outputs[0].node.shape).toEqual([3]);
    expect(graph.nodes.map((n) => n.op.name)).toContain('tanh');
  });
});

describe('backward', () => {
  it('adds to grad of every leaf that asks for it', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const x = tensor([3, 4]);
    (sum(w.mul(x)) as Eager).backward();
    (sum(w.mul(x)) as Eager).backward();
    expect(list(w.grad)).toEqual([6, 8]);
    expect(x.grad).toBeNull();
  });

  it('reaches the rows of a table', () => {
    const table = tensor([[1], [2], [3]], { requiresGrad: true });
    (sum(gather(table, tensor([2, 2], { dtype: 'i32' }))) as Eager).backward();
    expect(list(table.grad)).toEqual([0, 0, 2]);
  });

  it('does nothing to tensors that do not matter', () => {
    const [w, other] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
    (sum(w.mul(2)) as Eager).backward();
    expect(other.grad).toBeNull();
  });
});

describe('a variable', () => {
  it('outside of a step has no value and says so', () => {
    const w = nn.parameter([2], init.zeros);
    expect(() => w.add(1)).toThrow('a parameter of shape [2] has no value on this tape');
  });
});
