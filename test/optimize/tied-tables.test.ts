import { describe, expect, it } from 'vitest';
import {
  add,
  cast,
  f32,
  gather,
  i32,
  init,
  iota,
  mul,
  nn,
  optim,
  sum,
  type Tensor,
  trainStep,
} from '../../src/index.js';

// What cancels within the rows of one gather must not take with it what another gives to the same row.
describe.each([6, 50, 4000])('a table of %d rows that is read in several places', (rows) => {
  const cases: [string, number[][]][] = [
    [
      'large numbers that cancel first',
      [
        [1000, -1000],
        [1e-3, 0],
        [1e-3, 0],
      ],
    ],
    [
      'large numbers that cancel between',
      [
        [1e-3, 0],
        [1000, -1000],
        [1e-3, 0],
      ],
    ],
    [
      'numbers beside which the others are nothing',
      [
        [1e10, -1e10],
        [1, 0],
        [0, 0],
      ],
    ],
    [
      'numbers near the end of float32',
      [
        [3e38, -3e38],
        [1e38, 0],
        [0, 0],
      ],
    ],
  ];
  it.each(cases)('is updated as on the tape: %s', async (_, parts) => {
    for (const optimizer of [optim.sgd(), optim.adam()]) {
      const step = trainStep({
        model: { table: nn.parameter([rows, 1], init.zeros) },
        batch: { p: f32(1, 2), q: f32(1, 2), r: f32(1, 2) },
        loss: ({ table }, { p, q, r }) => {
          const ids = cast(mul(cast(iota(2), 'f32'), 0), 'i32').reshape([1, 2]);
          const term = (by: Tensor) => sum(mul(gather(table, ids).reshape([1, 2]), by));
          return add(add(term(p), term(q)), term(r));
        },
        optimizer,
      });
      const [p, q, r] = parts;
      const read = [];
      for (const session of [await step.compile(), step.interpret()]) {
        session.step({ batch: { p, q, r }, lr: 1 });
        read.push(session.read('table')[0]);
        await session.close();
      }
      expect(Math.abs(read[0] - read[1])).toBeLessThanOrEqual(1e-6 * Math.abs(read[1]));
    }
  });
});

it('indices that are a slice of an input leave the rest of it alone', async () => {
  const step = trainStep({
    model: { table: nn.embedding(5, 1) },
    batch: { x: i32(2, 3) },
    loss: ({ table }, { x }) =>
      add(sum(table(x.slice([0, 0], [2, 2]))), sum(cast(x.slice([0, 2], [2, 1]), 'f32'))).mul(1),
    optimizer: optim.sgd(),
  });
  for (const session of [await step.compile(), step.interpret()]) {
    expect(session.step({ batch: { x: [0, 4, 57, 1, 2, 99] }, lr: 0 })).toBeGreaterThan(100);
    expect(() => session.step({ batch: { x: [0, 5, 57, 1, 2, 99] }, lr: 0 })).toThrow(
      /index 5 .*outside of 0 to 4/,
    );
    await session.close();
  }
});
