import { describe, expect, it } from 'vitest';
import {
  f32,
  grad,
  gradients,
  init,
  nn,
  optim,
  type Session,
  type Tensor,
  trainStep,
} from '../../src/index.js';

// Losses that hold gradients: what they are differentiated by are the model's variables, its inputs, its state.

const DATA = { x: [0.5, -1, 2, 0.25, 1, -0.5], y: [1, -1, 0.5] };
const weight = init.values([0.3, -0.7, 0.2, 0.5]);
const model = () => ({
  a: nn.parameter([2, 2], weight),
  b: nn.parameter([2, 1], init.values([0.4, -0.6])),
  s: nn.state([2, 1], init.values([0.5, 0.25])),
});
type Model = ReturnType<typeof model>;
type Batch = { x: Tensor; y: Tensor };

const predict = ({ a, b }: Model, x: Tensor) => x.matmul(a).tanh().matmul(b);
const plain = (m: Model, { x, y }: Batch) => predict(m, x).sub(y).square().mean();
const squared = (g: Tensor | null) => g!.square().sum();

const losses: [string, (m: Model, batch: Batch) => Tensor][] = [
  [
    'the norm of the gradients by parameters',
    (m, batch) => {
      const loss = plain(m, batch);
      const [ga, gb] = gradients(loss, [m.a, m.b]);
      return loss.add(squared(ga).add(squared(gb)).mul(0.1));
    },
  ],
  [
    'the gradient by an input',
    (m, batch) => {
      const [gx] = gradients(predict(m, batch.x).sum(), [batch.x]);
      return plain(m, batch).add(squared(gx).sqrt().sub(1).square());
    },
  ],
  [
    'the gradient by state',
    (m, batch) => {
      const loss = batch.x.matmul(m.a).tanh().matmul(m.s).square().mean().add(plain(m, batch));
      return loss.add(squared(gradients(loss, [m.s])[0]));
    },
  ],
  [
    'the gradient of a gradient',
    (m, batch) => {
      const loss = plain(m, batch);
      const first = gradients(loss, [m.b])[0]!;
      const second = gradients(first.square().sum(), [m.a])[0]!;
      return loss.add(second.square().sum());
    },
  ],
  [
    'grad beside it',
    (m, batch) => {
      const g = grad((b: Tensor) => plain({ ...m, b: b as unknown as Model['b'] }, batch))(m.b) as Tensor;
      return plain(m, batch).add(g.square().sum());
    },
  ],
  [
    'state that was assigned in the same step',
    (m, batch) => {
      m.s.assign(m.s.mul(0.9).add(batch.x.matmul(m.a).mean(0).reshape([2, 1])));
      return plain(m, batch).add(batch.x.matmul(m.s).square().mean());
    },
  ],
];

function step(loss: (m: Model, batch: Batch) => Tensor) {
  return trainStep({
    model: model(),
    batch: { x: f32(3, 2), y: f32(3, 1) },
    loss,
    optimizer: optim.sgd({ momentum: 0.5 }),
    keepGradients: true,
  });
}

/** The loss of a model whose parameters are these. */
function lossAt(session: Session, name: string, element: number, by: number): number {
  const before = Float64Array.from(session.read(name));
  const moved = before.slice();
  moved[element] += by;
  session.write(name, moved);
  const loss = session.evaluate(DATA);
  session.write(name, before);
  return loss;
}

/** As close as float32 comes to float64 in some steps. */
function near(got: number, want: number): void {
  expect(Math.abs(got - want)).toBeLessThan(2e-5 * Math.max(1, Math.abs(want)));
}

describe.each(losses)('a loss with %s', (_, loss) => {
  it('has the gradient of central differences on the tape, second derivatives included', () => {
    const session = step(loss).interpret({ precision: 'float64' });
    const state = Float64Array.from(session.read('s'));
    for (const name of ['a', 'b']) {
      for (let i = 0; i < session.read(name).length; i++) {
        const at = (by: number) => {
          const value = lossAt(session, name, i, by);
          session.write('s', state);
          return value;
        };
        const h = 1e-5;
        const want = (at(h) - at(-h)) / (2 * h);
        const copy = step(loss).interpret({ precision: 'float64' });
        copy.step({ lr: 0, batch: DATA });
        expect(copy.gradients()[name][i]).toBeCloseTo(want, 7);
      }
    }
  });

  it('trains compiled as on the tape', async () => {
    const tape = step(loss).interpret({ precision: 'float64' });
    await using compiled = await step(loss).compile();
    for (let i = 0; i < 20; i++) {
      const want = tape.step({ lr: 0.002, batch: DATA });
      near(compiled.step({ lr: 0.002, batch: DATA }), want);
    }
    for (const name of tape.names())
      tape.read(name).forEach((want, i) => {
        near(compiled.read(name)[i], want);
      });
  });
});

describe('gradients', () => {
  it.each<[string, (m: Model, b: Batch) => unknown]>([
    ['gradients: expected an array of tensors', (m, b) => gradients(plain(m, b), m.a as never)],
    [
      'gradients: expected tensors to differentiate by, got undefined at 1',
      (m, b) => gradients(plain(m, b), [m.a, undefined as never]),
    ],
    ['gradients: expected a tensor to differentiate, got 3', (m) => gradients(3 as never, [m.a])],
    [
      'gradients: there is no option create_graph: did you mean createGraph?',
      (m, b) => gradients(plain(m, b), [m.a], { create_graph: true } as never),
    ],
  ])('is told: %s', (message, f) => {
    const wrong = step((m, b) => {
      f(m, b);
      return plain(m, b);
    });
    expect(() => wrong.program).toThrow(message);
  });

  it('by a parameter that the output does not reach is null', () => {
    let got: unknown;
    const aside = step((m, b) => {
      got = gradients(plain(m, b), [m.s]);
      return plain(m, b);
    });
    aside.program;
    expect(got).toEqual([null]);
  });
});
