import { describe, expect, it } from 'vitest';
import { inputAttrs, isInput } from '../../src/graph/graph.js';
import { f32, init, nn, optim, type Tensor, tensor, trace, trainStep } from '../../src/index.js';

const x3 = { x: { shape: [3], dtype: 'f32' } } as const;

describe('a trace', () => {
  it('keeps inputs, ops and outputs in order', () => {
    const graph = trace('f', x3, ({ x }) => ({ y: x.mul(x).add(1), z: x.exp() }));
    expect(graph.inputs.map((n) => inputAttrs(n).name)).toEqual(['x']);
    expect(graph.nodes.map((n) => n.op.name)).toEqual(['input', 'mul', 'constant', 'add', 'exp']);
    expect(graph.outputs.map((o) => o.name)).toEqual(['y', 'z']);
    expect(graph.updates).toEqual([]);
  });

  it('leaves out what no output needs', () => {
    const graph = trace('f', x3, ({ x }) => {
      x.exp();
      return { y: x.neg() };
    });
    expect(graph.nodes.map((n) => n.op.name)).toEqual(['input', 'neg']);
  });

  it('knows the line of the user for every op', () => {
    const graph = trace('f', x3, ({ x }) => ({ y: x.tanh() }));
    const ops = graph.nodes.filter((n) => !isInput(n));
    expect(ops.map((n) => n.where)).toEqual([expect.stringMatching(/^tracer\.test\.ts:\d+$/)]);
  });

  it('takes tensors with numbers as constants', () => {
    const graph = trace('f', x3, ({ x }) => ({ y: x.add(tensor([1, 2, 3])) }));
    const constant = graph.nodes.find((n) => n.op.name === 'constant')!;
    expect(constant.attrs).toEqual({ values: [1, 2, 3], shape: [3], dtype: 'f32' });
  });

  it('refuses a tensor of another trace', () => {
    let stray: Tensor | undefined;
    trace('first', x3, ({ x }) => {
      stray = x;
      return { y: x };
    });
    expect(() => trace('second', x3, ({ x }) => ({ y: x.add(stray!) }))).toThrow(
      /^a tensor of another trace is used in second \(tracer\.test\.ts:\d+\): compute it inside$/,
    );
  });

  it('refuses a symbolic tensor outside of itself', () => {
    let stray: Tensor | undefined;
    trace('f', x3, ({ x }) => {
      stray = x;
      return { y: x };
    });
    expect(() => stray!.add(1)).toThrow(
      'a traced tensor has no numbers: it is used outside of the function that was traced',
    );
  });

  it('refuses a variable that is not in the model', () => {
    const w = nn.parameter([3], init.ones);
    expect(() => trace('f', x3, ({ x }) => ({ y: x.mul(w) }))).toThrow(
      /^a parameter of shape \[3\] is used but not part of the model \(tracer\.test\.ts:\d+\): put it into the object given as model$/,
    );
  });

  it('keeps the last value of a variable as its update', () => {
    const count = nn.state([], init.zeros);
    const w = nn.parameter([], init.ones);
    const step = trainStep({
      model: { w, count },
      batch: { x: f32(1) },
      loss: (_, { x }) => {
        count.assign(count.add(1));
        count.assign(count.add(1));
        return x.mul(w).sum();
      },
      optimizer: optim.sgd(),
    });
    const { train } = step.program.entries;
    expect(train.updates.map((u) => inputAttrs(u.variable).name).sort()).toEqual(['count', 'w']);
    const session = step.interpret();
    session.step({ lr: 0, batch: { x: [1] } });
    session.step({ lr: 0, batch: { x: [1] } });
    expect(Array.from(session.read('count'))).toEqual([4]);
  });

  it('refuses an assigned value of another type', () => {
    const count = nn.state([2], init.zeros);
    const step = trainStep({
      model: { w: nn.parameter([], init.ones), count },
      batch: { x: f32(1) },
      loss: ({ w }, { x }) => {
        count.assign(x);
        return x.mul(w).sum();
      },
      optimizer: optim.sgd(),
    });
    expect(() => step.program).toThrow('assign: count is f32[2], the new value is f32[1]');
  });
});
