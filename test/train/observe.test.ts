import { describe, expect, it } from 'vitest';
import { add, nn, relu, reshape, tanh } from '../../src/index.js';
import type { Tensor } from '../../src/ops/tensor.js';
import { withInterpreter } from '../../src/ops/tensor.js';
import { RandomStream } from '../../src/random/philox.js';
import { type Eager, Tape } from '../../src/tape/tape.js';
import { Tracer } from '../../src/trace/tracer.js';
import { Observer } from '../../src/train/observe.js';

const random = new RandomStream(1, 0);
const newTape = () => new Tape('float64', (v) => v.init(v.shape, random));

/** What is observed of a model on [2, 3] ones, on the tape. */
function observed(model: nn.Module, run: (x: Tensor) => Tensor = model) {
  const tape = newTape();
  const observer = new Observer(tape, model);
  withInterpreter(observer, () => run(tape.constant(1, [2, 3], 'f32')));
  return observer.observed;
}
const names = (...args: Parameters<typeof observed>) =>
  observed(...args).map(({ name, op }) => `${name} ${op}`);

describe('the observer', () => {
  it('names the output of each layer by its path, that of the last layer once', () => {
    const model = nn.sequential(nn.linear(3, 4), nn.tanh(), nn.linear(4, 2), nn.relu());
    expect(names(model)).toEqual(['layers.0 add', 'layers.1 tanh', 'layers.2 add', 'layers.3 relu']);
  });

  it('knows layers that users write, and the activation functions inside of them', () => {
    const inner = nn.linear(3, 3);
    const block = nn.layer({ inner }, (x) => add(tanh(inner(x)), relu(x)));
    expect(names(nn.layer({ block }, (x) => tanh(block(x))))).toEqual([
      'block.inner add',
      'block.tanh tanh',
      'block.relu relu',
      'block add',
      'model tanh',
    ]);
  });

  it('names a function after the layer whose output it is', () => {
    const inner = nn.linear(3, 3);
    const dense = nn.layer({ inner }, (x) => tanh(inner(x)));
    expect(names(nn.layer({ dense }, (x) => dense(x)))).toEqual(['dense.inner add', 'dense tanh']);
  });

  it('counts the runs of a layer that is used twice', () => {
    const model = nn.layer({ shared: nn.linear(3, 3) }, (x) => x);
    const { shared } = model.parts as { shared: nn.Module };
    expect(names(model, (x) => shared(shared(x)))).toEqual(['shared add', 'shared#2 add']);
  });

  it('leaves out what only has another shape, what is an input, and layers that are not of the model', () => {
    const apart = nn.linear(6, 1);
    const model = nn.sequential(
      nn.layer({}, (x) => x),
      nn.flatten(),
      nn.linear(3, 3),
      nn.flatten(),
      nn.layer({}, (x) => reshape(x, [6])),
    );
    expect(names(model, (x) => apart(reshape(model(x), [1, 6])))).toEqual(['layers.2 add']);
  });

  it('leaves out whole numbers', () => {
    const tape = newTape();
    const model = nn.layer({}, (ids) => add(ids, ids));
    const observer = new Observer(tape, model);
    withInterpreter(observer, () => model(tape.constant([1, 2], [2], 'i32')));
    expect(observer.observed).toEqual([]);
  });

  it('tells what depends on a parameter', () => {
    const model = nn.sequential(
      nn.relu(),
      nn.linear(3, 3),
      nn.layer({}, (x) => relu(x.stopGradient())),
    );
    expect(observed(model).map((o) => o.trained)).toEqual([false, true, false]);
  });

  it('sees the same while tracing as on the tape, and the numbers that were computed', () => {
    const model = nn.sequential(
      nn.layer({}, (x) => relu(x)),
      nn.linear(3, 4),
      nn.tanh(),
    );
    const variables = new Map([...nn.namedVariables(model)].map(([name, v]) => [v, name]));
    const tracer = new Tracer('traced', true, variables);
    const observer = new Observer(tracer, model);
    withInterpreter(observer, () => model(tracer.input('x', { shape: [2, 3], dtype: 'f32' })));
    expect(observer.observed.map(({ name, op }) => `${name} ${op}`)).toEqual(names(model));

    const [, before, after] = observed(model).map(({ tensor }) => (tensor as Eager).data);
    expect(Array.from(after)).toEqual(Array.from(before, Math.tanh));
  });
});
