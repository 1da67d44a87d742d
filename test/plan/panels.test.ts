import fc from 'fast-check';
import { expect, it } from 'vitest';
import { elementsIn, isWidth, pack, unpack } from '../../src/plan/panels.js';

const matrix = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  columns: fc.integer({ min: 1, max: 70 }),
  panels: fc.constantFrom(4, 8, 12, 16),
});

it('an element of a matrix lies in the panel of its column, row by row', () => {
  fc.assert(
    fc.property(matrix, ({ rows, columns, panels }) => {
      const lying = { shape: [rows, columns], panels };
      const values = Float32Array.from({ length: rows * columns }, (_, i) => i + 1);
      const memory = new Float32Array(elementsIn(lying));
      pack(values, lying, memory);
      let sum = 0;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) {
          const at = Math.floor(c / panels) * rows * panels + r * panels + (c % panels);
          expect(memory[at]).toBe(values[r * columns + c]);
          sum += memory[at];
        }
      // What fills the last panel is left alone.
      expect(memory.reduce((a, b) => a + b, 0)).toBe(sum);
      expect(memory.length).toBe(rows * panels * Math.ceil(columns / panels));
      const back = new Float32Array(values.length);
      unpack(memory, lying, back);
      expect(back).toEqual(values);
    }),
  );
});

it('panels are of whole vectors, and of matrices', () => {
  expect(isWidth(undefined, [3])).toBe(true);
  expect(isWidth(16, [3, 5])).toBe(true);
  for (const panels of [0, -4, 3, 4.5, '16', null, Number.NaN]) expect(isWidth(panels, [3, 5])).toBe(false);
  expect(isWidth(16, [15])).toBe(false);
  expect(elementsIn({ shape: [2, 3, 4] })).toBe(24);
});
