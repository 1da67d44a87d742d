import { describe, expect, it } from 'vitest';
import { f32, nn, optim, tensor, trainStep } from '../../src/index.js';

const step = (model: unknown, apply: (model: never, x: never) => unknown) =>
  trainStep({
    model: model as nn.Module,
    batch: { x: f32(4, 3) },
    loss: (m, { x }) => apply(m as never, x as never) as never,
    optimizer: optim.sgd(),
  });

const wrong = () => nn.linear(5, 2);
const SIZES = 'linear(5, 2): expected [batch, ..., 5], got [4, 3]: nn.linear(3, 2) would fit';
// biome-ignore lint/suspicious/noExplicitAny: models of any kind
type Any = any;

describe('an error in a layer', () => {
  it.each<[string, unknown, (m: Any, x: Any) => unknown, string]>([
    [
      'of a sequence',
      nn.sequential(nn.tanh(), nn.relu(), nn.sigmoid(), wrong()),
      (m, x) => m(x).mean(),
      `${SIZES}, in layers.3 (linear) (paths`,
    ],
    [
      'of a sequence in a sequence',
      nn.sequential(nn.tanh(), nn.sequential(nn.relu(), wrong())),
      (m, x) => m(x).mean(),
      `${SIZES}, in layers.1.layers.1 (linear) (paths`,
    ],
    [
      'of an object',
      { body: nn.linear(3, 3), head: wrong() },
      (m, x) => m.head(m.body(x)).mean(),
      `${SIZES}, in head (linear) (paths`,
    ],
    [
      'of an array',
      [nn.linear(3, 3), wrong()],
      (m, x) => m[1](m[0](x)).mean(),
      `${SIZES}, in 1 (linear) (paths`,
    ],
    [
      "of the user's own",
      { block: nn.layer({ in: nn.linear(3, 3) }, (x) => x.reshape([5])) },
      (m, x) => m.block(x).mean(),
      'reshape: [4, 3] has 12 elements, [5] has 5, in block (paths',
    ],
    [
      'with a check of its own',
      { a: nn.linear(3, 3), norm: nn.layerNorm(4) },
      (m, x) => m.norm(m.a(x)).mean(),
      'layerNorm(4): expected [..., 4], got [4, 3]: nn.layerNorm(3) would fit, in norm (layerNorm) (paths',
    ],
    ['that is the model', wrong(), (m, x) => m(x).mean(), `${SIZES} (paths`],
    [
      'outside of a layer',
      { a: nn.linear(3, 3) },
      (m, x) => m.a(x).reshape([5]),
      'has 12 elements, [5] has 5 (paths',
    ],
  ])('%s is named by its path', (_, model, apply, message) => {
    const s = step(model, apply);
    for (const f of [() => s.program, () => s.interpret()]) {
      expect(f).toThrow(message);
      expect(f).toThrow(/ \(paths\.test\.ts:\d+\)$/);
    }
  });

  it('is named in a prediction as well, and by a layer that is used alone', () => {
    const model = nn.sequential(nn.linear(3, 5), wrong());
    const s = trainStep({
      model,
      batch: { x: f32(4, 3) },
      loss: (m, { x }) => m(x).mean(),
      optimizer: optim.sgd(),
      predict: { inputs: { x: f32(1, 4) }, output: (m, { x }) => m(x) },
    });
    expect(() => s.program).toThrow('got [1, 4]: nn.linear(4, 5) would fit, in layers.0 (linear) (paths');
    expect(() => nn.sequential(nn.tanh(), nn.layerNorm(4))(tensor([[1, 2, 3]]))).toThrow(
      'got [1, 3]: nn.layerNorm(3) would fit, in layers.1 (layerNorm) (paths',
    );
  });

  it.each<[unknown, string]>([
    [undefined, 'linear: expected a tensor, got undefined (paths'],
    [Promise.resolve(1), 'linear: expected a tensor, got a promise (paths'],
    [new Float32Array(3), 'linear: expected a tensor, got an array (paths'],
  ])('is told what it was called with', (x, message) => {
    expect(() => nn.linear(3, 3)(x as never)).toThrow(message);
  });

  it('that returns nothing is named', () => {
    const forgets = nn.layer({}, ((x: Any) => {
      x.relu();
    }) as never);
    expect(() => forgets(tensor([1]))).toThrow('layer: its function returns undefined, not a tensor');
  });
});
