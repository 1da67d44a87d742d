import { describe, expect, it } from 'vitest';
import { f32, init, nn, optim, type Session, trainStep } from '../../src/index.js';
import { describeProgram } from '../../src/train/description.js';
import { describedValues, initialValues } from '../../src/train/initial.js';
import { classifier, line } from './small.js';

const INITIALIZERS = {
  zeros: init.zeros,
  ones: init.ones,
  constant: init.constant(-0.25),
  uniform: init.uniform(-2, 3),
  normal: init.normal(1, 0.5),
  values: init.values(Array.from({ length: 12 }, (_, i) => i / 7)),
  kaimingNormal: init.kaimingNormal({ nonlinearity: 'tanh' }),
  kaimingUniform: init.kaimingUniform({ fan: 'out' }),
  xavierNormal: init.xavierNormal(),
  xavierUniform: init.xavierUniform(2),
};

describe('the description of a program', () => {
  it('is plain data: it stays the same when it is written as JSON and read again', () => {
    for (const { program } of [classifier(optim.adam()), line()]) {
      const description = describeProgram(program);
      expect(JSON.parse(JSON.stringify(description))).toEqual(description);
    }
  });

  it('names what a batch holds, with what indices must stay below, and what comes out', () => {
    const { entries } = classifier().description;
    expect(entries.train.inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype }))).toEqual([
      { name: 'x', shape: [4, 2], dtype: 'i32' },
      { name: 'y', shape: [4], dtype: 'i32' },
      { name: 'learning_rate', shape: [], dtype: 'f32' },
    ]);
    expect(entries.train.inputs.map(({ bound }) => bound?.size)).toEqual([7, 5, undefined]);
    expect(entries.predict).toMatchObject({
      inputs: [{ name: 'x', shape: [1, 2], dtype: 'i32', bound: { size: 7 } }],
      outputs: [{ name: 'output', shape: [1, 5], dtype: 'f32' }],
    });
  });

  it.each(Object.entries(INITIALIZERS))('makes the same bits again for any seed: %s', (_, weight) => {
    const step = trainStep({
      model: [nn.linear(3, 4, { weight }), nn.linear(4, 1)],
      batch: { x: f32(2, 3) },
      loss: ([a, b], { x }) => b(a(x)).mean(),
      optimizer: optim.sgd({ momentum: 0.9 }),
    });
    const read = JSON.parse(JSON.stringify(step.description.variables)) as typeof step.description.variables;
    for (const seed of [0, 42, 0xffffffff])
      expect(describedValues(read, seed)).toEqual(initialValues(step.program.variables, seed));
  });

  it("leaves out how a variable begins that a function of the user's fills", () => {
    const step = trainStep({
      model: nn.linear(3, 1, { weight: (shape) => new Float32Array(shape[0] * shape[1]).fill(2) }),
      batch: { x: f32(2, 3) },
      loss: (model, { x }) => model(x).mean(),
      optimizer: optim.sgd(),
    });
    expect(step.description.variables.map(({ name, fill }) => [name, fill?.kind])).toEqual([
      ['weight', undefined],
      ['bias', 'uniform'],
    ]);
    expect([...describedValues(step.description.variables, 1).keys()]).toEqual(['bias']);
  });
});

it('a session says what it lacks, and how to get it', async () => {
  const session: Session = line().interpret();
  expect(() => session.predict({})).toThrow(
    'line has no predict, only train and evaluate: define it in trainStep, and name it in --entry where it is compiled ahead of time',
  );
});
