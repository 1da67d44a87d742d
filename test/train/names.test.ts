import { describe, expect, it } from 'vitest';
import { f32, init, nn, OptionError, optim, type Tensor, trainStep } from '../../src/index.js';

// Names that objects, files or the compiler have a meaning for.
const NAMES = [
  'x',
  'constructor',
  'toString',
  'a.b',
  'a/b',
  'loss',
  'gradient.x',
  'memory',
  'optimizer',
  ' ',
  '0',
];

describe.each(NAMES)('the name %j', (name) => {
  it('may be that of a part of the batch, and of a part of the model', async () => {
    const make = () =>
      trainStep({
        model: { first: nn.parameter([2], init.ones), nested: { [name]: nn.parameter([2], init.ones) } },
        batch: { [name]: f32(2) },
        loss: (m, batch) =>
          batch[name]
            .mul(m.first)
            .add((m.nested as Record<string, Tensor>)[name])
            .square()
            .mean(),
        optimizer: optim.sgd({ momentum: 0.5 }),
        predict: { inputs: { [name]: f32(2) }, output: (m, inputs) => inputs[name].mul(m.first) },
        keepGradients: true,
      });
    const tape = make().interpret();
    await using compiled = await make().compile();
    for (const session of [tape, compiled]) session.data({ [name]: [1, 2, -1, 3] });
    for (let i = 0; i < 3; i++) {
      const loss = tape.step({ lr: 0.1 });
      expect(compiled.step({ lr: 0.1 })).toBeCloseTo(loss, 5);
    }
    expect(compiled.names()).toEqual(tape.names());
    for (const variable of tape.names())
      tape.read(variable).forEach((want, i) => {
        expect(compiled.read(variable)[i]).toBeCloseTo(want, 5);
      });
    expect(Object.keys(compiled.gradients())).toEqual(['first', `nested.${name}`]);
    const other = make().interpret();
    other.restore(compiled.checkpoint());
    expect(Array.from(other.read('first'))).toEqual(Array.from(compiled.read('first')));
    expect(() => compiled.evaluate({})).toThrow(`input ${name} is missing`);
  });

  it('is refused for both a parameter and an input', () => {
    const make = (batch: string) => () =>
      trainStep({
        model: { [name]: nn.parameter([2], init.ones) },
        batch: { [batch]: f32(2) },
        loss: (m, inputs) => inputs[batch].mul(m[name]).sum(),
        optimizer: optim.sgd(),
      });
    expect(make(name)).toThrow(OptionError);
    expect(make(name)).toThrow('is a parameter of the model and an input too: rename one of them');
    expect(() => make('other')().interpret()).not.toThrow();
  });
});
