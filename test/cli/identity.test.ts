import { expect, it } from 'vitest';
import { difference, identityFrom, identityOf } from '../../src/cli/identity.js';
import { crossEntropy, f32, i32, nn, optim, trainStep } from '../../src/index.js';
import type { Tensor } from '../../src/ops/tensor.js';
import type { AnyTrainStep } from '../../src/run/train-step.js';

interface Variant {
  batch?: number;
  layers?: nn.Module[];
  optimizer?: ReturnType<typeof optim.adam>;
  input?: (x: Tensor) => Tensor;
  name?: string;
}

function variant({ batch = 8, layers, optimizer, input = (x) => x, name }: Variant = {}) {
  const step = trainStep({
    name,
    model: nn.sequential(...(layers ?? [nn.linear(2, 8), nn.tanh(), nn.linear(8, 3)])),
    batch: { x: f32(batch, 2), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(input(x)), y),
    optimizer: optimizer ?? optim.adam(),
  });
  return identityOf('/model.ts', 'step', step as unknown as AnyTrainStep);
}

const first = variant();

it('the same step is the same, whatever it is called and however it was kept', () => {
  expect(difference(identityFrom(JSON.parse(JSON.stringify(first))), variant({ name: 'other' }))).toBeNull();
});

it.each<[Variant, string | RegExp]>([
  [
    { layers: [nn.linear(2, 8, { bias: false }), nn.tanh(), nn.linear(8, 3)] },
    'layers.0.bias, f32[8], is not there any more',
  ],
  [{ layers: [nn.linear(2, 9), nn.tanh(), nn.linear(9, 3)] }, 'layers.0.weight was f32[2,8] and is f32[2,9]'],
  [
    { layers: [nn.linear(2, 8), nn.tanh(), nn.linear(8, 3), nn.linear(3, 3)] },
    'layers.3.weight, f32[3,3], is new',
  ],
  [{ batch: 4 }, "the batch's x was f32[8,2] and is f32[4,2]"],
  [{ optimizer: optim.adamW() }, 'the optimizer was adam and is adamw'],
  [
    { layers: [nn.linear(2, 8), nn.sigmoid(), nn.linear(8, 3)] },
    /^the step computes something else: .*1 tanh fewer.*1 sigmoid more/,
  ],
  [{ input: (x) => x.mul(2) }, /^the step computes something else: .*mul more/],
  [
    { optimizer: optim.adam({ beta1: 0.8 }) },
    'the step computes something else: the same operations with another constant, or in another order',
  ],
])('%# another step is told by what differs', (other, message) => {
  expect(difference(first, variant(other))).toEqual(
    typeof message === 'string' ? message : expect.stringMatching(message),
  );
});

it.each([[null], [{}], [{ ...first.toJSON()!, ops: { add: 'x' } }], [{ ...first.toJSON()!, batch: [] }]])(
  'what is no such description is refused: %#',
  (json) => {
    expect(() => identityFrom(json)).toThrow(/the file is damaged/);
  },
);
