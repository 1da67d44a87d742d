import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ceil,
  clamp,
  compileFunction,
  expm1,
  f32,
  floor,
  gradients,
  log1p,
  pow,
  round,
  sign,
  silu,
  softplus,
  type Tensor,
  tensor,
  trace,
} from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { onTape } from './run.js';

// At the edges of functions, against PyTorch: values and gradients, on the tape and compiled. test/ops/pytorch.py wrote
// the numbers.

interface Record_ {
  inputs: string[][];
  value: string[];
  gradients: string[][];
}

const recorded: {
  unary: Record<string, Record_>;
  pow: Record_;
  powers: (Record_ & { exponent: string })[];
  clamp: (Record_ & { low: number | null; high: number | null })[];
  clampTensors: Record_;
} = JSON.parse(readFileSync(new URL('./pytorch.json', import.meta.url), 'utf8'));

const number = (text: string) =>
  text.endsWith('inf') ? Number(text.replace('inf', 'Infinity')) : Number(text);
const numbers = (list: string[]) => list.map(number);

type F = (...operands: Tensor[]) => Tensor;
const unary: Record<string, F> = { floor, ceil, round, sign, expm1, log1p, softplus, silu };

const cases: [string, F, Record_][] = [
  ...Object.entries(recorded.unary).map(([name, record]): [string, F, Record_] => [
    name,
    unary[name],
    record,
  ]),
  ['pow', pow, recorded.pow],
  ...recorded.powers.map(({ exponent, ...record }): [string, F, Record_] => [
    `pow(x, ${exponent})`,
    (x) => x.pow(number(exponent)),
    record,
  ]),
  ...recorded.clamp.map(({ low, high, ...record }): [string, F, Record_] => [
    `clamp(x, ${low}, ${high})`,
    (x) => clamp(x, low, high),
    record,
  ]),
  ['clamp between tensors', clamp, recorded.clampTensors],
];

/** Where a result is another, by more than 1e-6 of it. */
function differences(
  inputs: number[][],
  got: ArrayLike<number>,
  want: number[],
  alike: (got: number, want: number, at: number) => boolean,
) {
  return want.flatMap((w, i) => {
    const close = Math.abs(got[i] - w) <= 1e-6 * Math.abs(w) && w !== 0;
    return close || alike(got[i], w, i) ? [] : [{ at: inputs.map((x) => x[i]), got: got[i], want: w }];
  });
}

/** All cases as one function: of case k the values, and the gradients of their sum where there are any. */
const compiled = (async () => {
  const types = Object.fromEntries(
    cases.flatMap(([, , { inputs }], k) => inputs.map((x, i) => [`x${k}_${i}`, f32(x.length)])),
  );
  const graph = trace('edges', types, (given) =>
    Object.fromEntries(
      cases.flatMap(([, f, { inputs }], k) => {
        const operands = inputs.map((_, i) => given[`x${k}_${i}`]);
        const value = f(...operands);
        const flows = gradients(value.sum(), operands);
        return [[`y${k}`, value], ...flows.flatMap((g, i) => (g ? [[`g${k}_${i}`, g]] : []))];
      }),
    ),
  );
  const made = await compileFunction(graph);
  const values = cases.flatMap(([, , { inputs }], k) =>
    inputs.map((x, i) => [`x${k}_${i}`, Float32Array.from(numbers(x))]),
  );
  const results = made.call(Object.fromEntries(values));
  await made.close();
  return results;
})();

const dataOf = (x: Tensor) => (x as Eager).data;

describe.each(cases)('%s has the values and gradients of PyTorch', (name, f, record) => {
  const inputs = record.inputs.map(numbers);
  const check = (value: ArrayLike<number>, flows: (ArrayLike<number> | null)[]) => {
    expect(differences(inputs, value, numbers(record.value), Object.is)).toEqual([]);
    const none = new Float32Array(value.length);
    record.gradients.forEach((flow, i) => {
      // Zeros of both signs are alike; of a value that is no number the slope may be none.
      const alike = (g: number, want: number, at: number) =>
        g === want || Object.is(g, want) || (Number.isNaN(g) && Number.isNaN(value[at]));
      expect(differences(inputs, flows[i] ?? none, numbers(flow), alike)).toEqual([]);
    });
  };

  it('on the tape', () => {
    onTape('float32', () => {
      const operands = inputs.map((x) => tensor(x, { requiresGrad: true }));
      const value = f(...operands);
      const flows = gradients(value.sum(), operands);
      check(
        dataOf(value),
        flows.map((g) => g && dataOf(g)),
      );
    });
  });

  it('compiled', async () => {
    const results = await compiled;
    const k = cases.findIndex(([other]) => other === name);
    check(
      results[`y${k}`],
      inputs.map((_, i) => results[`g${k}_${i}`] ?? null),
    );
  });
});
