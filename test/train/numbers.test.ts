import { describe, expect, it } from 'vitest';
import {
  cast,
  compileFunction,
  DataError,
  DivergedError,
  f32,
  gather,
  i32,
  init,
  nn,
  optim,
  type Session,
  trace,
  trainStep,
  where,
} from '../../src/index.js';
import { line } from './small.js';

const engines = ['tape', 'compiled'] as const;
interface Startable {
  interpret(): Session;
  compile(): Promise<Session>;
}
const start = async (step: Startable, engine: string): Promise<Session> =>
  engine === 'tape' ? step.interpret() : step.compile();

const good = { x: [1, 2, 3, 4, 5, 6], y: [1, 2, 3] };
const wrongNumbers: [string, number, string][] = [
  ['Infinity', Number.POSITIVE_INFINITY, 'x: Infinity at position 3 (row 1, column 1)'],
  ['-Infinity', Number.NEGATIVE_INFINITY, 'x: -Infinity at position 3 (row 1, column 1)'],
  ['NaN', Number.NaN, 'x: NaN at position 3 (row 1, column 1)'],
  ['1e300', 1e300, 'x: 1e+300 at position 3 is beyond float32 (row 1, column 1): scale it'],
  ['the first beyond', 3.4028235677973366e38, 'x: 3.4028235677973366e+38 at position 3 is beyond float32'],
];

describe.each(engines)('numbers that are not finite, given to a session (%s)', (engine) => {
  it.each(wrongNumbers)('are refused: %s', async (_, x, message) => {
    await using session = await start(predicting(), engine);
    for (const list of [[...good.x], Float64Array.from(good.x)]) {
      list[3] = x;
      const wrong = { ...good, x: list };
      for (const give of [
        () => session.data(wrong),
        () => session.step({ lr: 0.1, batch: wrong }),
        () => session.evaluate(wrong),
        () => session.predict({ x: list }),
      ]) {
        expect(give).toThrow(DataError);
        expect(give).toThrow(message);
      }
      expect(() => session.write('weight', [0, x])).toThrow(/^weight: .* at position 1/);
    }
    const largest = { ...good, x: [0, 0, 0, 3.4028234663852886e38, 0, 0] };
    expect(() => session.data(largest)).not.toThrow();
  });
});

function predicting() {
  return trainStep({
    model: nn.linear(2, 1),
    batch: { x: f32(3, 2), y: f32(3) },
    loss: (model, { x, y }) => model(x).reshape([3]).sub(y).square().mean(),
    optimizer: optim.sgd(),
    predict: { inputs: { x: f32(3, 2) }, output: (model, { x }) => model(x) },
  });
}

describe.each(engines)('truth values (%s)', (engine) => {
  const masked = () =>
    trainStep({
      model: { w: nn.parameter([], init.ones), on: nn.state([2], init.ones, 'bool') },
      batch: { m: { shape: [2], dtype: 'bool' } },
      loss: ({ w, on }, { m }) => cast(m, 'f32').add(cast(on, 'f32')).mul(w).sum(),
      optimizer: optim.sgd(),
      predict: {
        inputs: { m: { shape: [2], dtype: 'bool' } },
        output: ({ w }, { m }) => where(m, w, w.mul(2)),
      },
    });

  it('are 0 and 1, or true and false, and nothing else', async () => {
    await using session = await start(masked(), engine);
    // biome-ignore lint/suspicious/noExplicitAny: what may be given
    const any = (x: unknown): any => x;
    for (const m of [[0, 1], any([false, true]), Uint8Array.of(0, 1)]) {
      expect(session.evaluate({ m })).toBe(3);
      expect(Array.from(session.predict({ m }))).toEqual([2, 1]);
    }
    for (const x of [2, -1, 0.5, 255]) {
      for (const give of [
        () => session.data({ m: [0, x] }),
        () => session.step({ lr: 0, batch: { m: [0, x] } }),
        () => session.predict({ m: [0, x] }),
        () => session.write('on', [0, x]),
      ])
        expect(give).toThrow(
          /^(m|on): .* at position 1 is not a (truth value: 0 or 1|whole number of 32 bits)$/,
        );
    }
  });
});

describe('inputs of a compiled function', () => {
  it('are looked at as data is, but may be infinite or NaN', async () => {
    const graph = trace('f', { x: f32(2), m: { shape: [2], dtype: 'bool' }, n: i32(2) }, ({ x, m, n }) => ({
      y: where(m, x, cast(n, 'f32')),
    }));
    await using f = Object.assign(await compileFunction(graph), {
      async [Symbol.asyncDispose]() {
        await f.close();
      },
    });
    const inputs = { x: [Number.POSITIVE_INFINITY, Number.NaN], m: [1, 1], n: [0, 0] };
    expect(Array.from(f.call(inputs).y)).toEqual(inputs.x);
    const tell = (more: object) => () => f.call({ ...inputs, ...more });
    expect(tell({ x: [1e300, 0] })).toThrow('x: 1e+300 at position 0 is beyond float32');
    expect(tell({ m: [2, 0] })).toThrow('m: 2 at position 0 is not a truth value');
    expect(tell({ n: [0.5, 0] })).toThrow('n: 0.5 at position 0 is not a whole number');
    expect(tell({ z: [1] })).toThrow('there is no input z; there are x, m, n');
    expect(() => f.call({ x: [1, 2], m: [0, 1] })).toThrow('input n is missing');
    for (const [wrong, message] of [
      [() => 1, 'a function has to be traced first'],
      [line(), 'this is a training step: use its method compile()'],
      [undefined, 'expected what trace(...) returns, got undefined'],
    ] as const)
      await expect(compileFunction(wrong as never)).rejects.toThrow(message);
    await expect(compileFunction(graph, { thraeds: 2 } as never)).rejects.toThrow('did you mean threads?');
  });
});

describe.each(engines)('a gradient that is not finite where the loss is (%s)', (engine) => {
  /** The root of a row that becomes 0 has an infinite gradient; no later batch reads that row. */
  const rooted = () =>
    trainStep({
      model: { table: nn.parameter([3, 1], init.values([0, 1, 2])) },
      batch: { ids: i32(2) },
      loss: ({ table }, { ids }) => gather(table, ids).sqrt().mean(),
      optimizer: optim.sgd(),
    });
  const opened = () => start(rooted(), engine);
  const finite = (session: Session) => Array.from(session.read('table')).every(Number.isFinite);

  it('never reaches a checkpoint', async () => {
    await using session = await opened();
    const before = Array.from(session.read('table'));
    expect(session.step({ lr: 0.1, batch: { ids: [0, 1] } })).toBe(0.5);
    expect(finite(session)).toBe(false);
    const error = (() => {
      try {
        return session.checkpoint();
      } catch (error) {
        return error as DivergedError;
      }
    })() as DivergedError;
    expect(error).toBeInstanceOf(DivergedError);
    expect(error.message).toBe(
      'a gradient was not finite: table held Infinity or NaN by step 1, though the loss was 0.5; all were put back to step 0. Look for a root, logarithm or quotient at 0, or try a lower learning rate.',
    );
    expect(error).toMatchObject({ step: 1, loss: 0.5, restoredStep: 0, variables: ['table'] });
    expect(Array.from(session.read('table'))).toEqual(before);
    session.step({ lr: 0.1, batch: { ids: [1, 2] } });
    const saved = session.checkpoint();
    await using other = await opened();
    other.restore(saved);
    expect(Array.from(other.read('table'))).toEqual(Array.from(session.read('table')));
  });

  it('ends a run at its end, with the parameters put back', async () => {
    await using session = await opened();
    session.data({ ids: [0, 0, 0] });
    await expect(session.run({ steps: 1, lr: 0.1 })).rejects.toBeInstanceOf(DivergedError);
    expect(finite(session)).toBe(true);
    expect(session.at).toBe(0);
  });
});

it('Infinity in state is kept, written and loaded; NaN is not', () => {
  const step = trainStep({
    model: { w: nn.parameter([1], init.ones), mask: nn.state([2], init.constant(Number.NEGATIVE_INFINITY)) },
    batch: { x: f32(1) },
    loss: ({ w, mask }, { x }) => x.mul(w).add(mask.max().mul(0)).sum().mul(0).add(w.sum()),
    optimizer: optim.sgd(),
  });
  const session = step.interpret();
  session.write('mask', [Number.POSITIVE_INFINITY, 0]);
  const other = step.interpret();
  other.restore(session.checkpoint());
  expect(Array.from(other.read('mask'))).toEqual([Number.POSITIVE_INFINITY, 0]);
  expect(() => session.write('mask', [Number.NaN, 0])).toThrow('mask: NaN at position 0');
});
