import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { crossEntropy, f32, i32, init, lenet, nn, optim, resnet, trainStep } from '../../src/index.js';

const counted = (model: nn.Module) =>
  [...nn.parameters(model).values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** A loss before training, and after some steps on one batch. */
function learned(model: nn.Module, x: number[], classes: number, steps: number): [number, number] {
  const step = trainStep({
    model,
    batch: { x: f32(...x), y: i32(x[0]) },
    loss: (m, batch) => crossEntropy(m(batch.x), batch.y),
    optimizer: optim.adam(),
  });
  const session = step.interpret({ seed: 1 } as object);
  const size = x.reduce((a, b) => a * b, 1);
  const batch = { x: uniform(size, 1, 5), y: Int32Array.from({ length: x[0] }, (_, i) => i % classes) };
  const losses = Array.from({ length: steps }, () => session.step({ lr: 0.01, batch }));
  return [losses[0], losses.at(-1)!];
}

describe('lenet', () => {
  it('has the parameters of LeNet-5 with a full second convolution', () => {
    expect(counted(lenet())).toBe(6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85);
  });

  it('begins at a uniform guess and learns a batch by heart', () => {
    const [before, after] = learned(lenet({ classes: 3, size: 12 }), [6, 12, 12, 1], 3, 30);
    expect(before).toBeCloseTo(init.expectedLoss(3), 1);
    expect(after).toBeLessThan(0.1);
  });

  it('refuses images of another size', () => {
    expect(() => learned(lenet(), [2, 32, 28, 1], 10, 1)).toThrow(
      /^lenet: expected images \[batch, 28, 28, 1\], got \[2, 32, 28, 1\] \(lenet\.ts:\d+\)$/,
    );
    expect(() => lenet({ size: 8 })).toThrow(
      'lenet: images need 12 places or more on each side, got a size of 8',
    );
  });
});

describe('resnet', () => {
  it('has the parameters of the paper with three blocks a stage, and projections', () => {
    const plain = 3 * 9 * 16 + 6 * 9 * 16 * 16 + (16 + 5 * 32) * 9 * 32 + (32 + 5 * 64) * 9 * 64 + 650;
    const norms = 2 * (7 * 16 + 6 * 32 + 6 * 64);
    const projections = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64;
    expect(counted(resnet({ blocks: 3 }))).toBe(plain + norms + projections);
  });

  it('learns a batch by heart', () => {
    const [before, after] = learned(resnet({ classes: 3, channels: 2, widths: [4, 8] }), [6, 7, 6, 2], 3, 25);
    expect(after).toBeLessThan(0.3 * before);
  });

  it('refuses images of other channels, and widths that are none', () => {
    expect(() => learned(resnet(), [2, 8, 8, 1], 10, 1)).toThrow(
      'resnet: expected images [batch, height, width, 3], got [2, 8, 8, 1]',
    );
    expect(() => resnet({ widths: [] })).toThrow(
      'resnet: widths: expected a list of one number or more, got an empty array',
    );
    expect(() => resnet({ blocks: 0 })).toThrow('resnet: blocks: expected a whole number from 1, got 0');
  });
});
