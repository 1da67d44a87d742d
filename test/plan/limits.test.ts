import { describe, expect, it } from 'vitest';
import {
  compileFunction,
  f32,
  meanSquaredError,
  nn,
  OutOfMemoryError,
  optim,
  trace,
  trainStep,
  UnsupportedError,
} from '../../src/index.js';
import { detectFeatures } from '../../src/run/features.js';

const wide = (inputs: number, hidden: number) =>
  trainStep({
    model: { first: nn.linear(inputs, hidden), last: nn.linear(hidden, 1) },
    batch: { x: f32(8, inputs), y: f32(8, 1) },
    loss: (model, { x, y }) => meanSquaredError(model.last(model.first(x).tanh()), y),
    optimizer: optim.adam(),
  });

describe('what 32 bits cannot address', () => {
  it.each([
    [20_000, 20_000],
    [1e7, 1e7],
    [3, 4e8],
  ])('is refused when memory is planned, with what takes the room: %d x %d', async (inputs, hidden) => {
    const failure = await wide(inputs, hidden)
      .compile({ cache: false })
      .catch((error) => error);
    expect(failure).toBeInstanceOf(OutOfMemoryError);
    expect(failure.message).toMatch(
      /^the program needs [\d,]+ MiB of memory, more than the 4,096 MiB .* The largest: /,
    );
  });

  it('is refused for functions too', async () => {
    const graph = trace('outer', { x: f32(40_000, 1), y: f32(1, 40_000) }, ({ x, y }) => ({ z: x.add(y) }));
    await expect(compileFunction(graph, { cache: false })).rejects.toThrow(
      /call: output z f32\[40000,40000\] \(6,104 MiB\)/,
    );
  });

  it('is refused by the tape in the same terms', () => {
    expect(() => wide(1e6, 1e6).interpret()).toThrow(OutOfMemoryError);
  });
});

it.skipIf(detectFeatures().relaxed)(
  'relaxed SIMD is refused where the engine has none, with the way out',
  async () => {
    const graph = trace('double', { x: f32(4) }, ({ x }) => ({ y: x.mul(2) }));
    const step = wide(2, 2);
    for (const failure of [
      await compileFunction(graph, { relaxed: true }).catch((error) => error),
      await step.compile({ relaxed: true }).catch((error) => error),
      await step.start(await step.compileModule({ relaxed: true })).catch((error) => error),
    ]) {
      expect(failure).toBeInstanceOf(UnsupportedError);
      expect(failure.message).toMatch(/relaxed: .* Leave the option out/);
    }
  },
);
