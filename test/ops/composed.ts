import { expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { openIndices } from '../../src/graph/indices.js';
import { compileFunction, gradients, type Tensor, trace } from '../../src/index.js';
import type { Shape } from '../../src/shape.js';
import type { Eager } from '../../src/tape/tape.js';
import type { Types } from '../../src/train/step.js';
import { fill } from './cases.js';
import { checkGradients, leaf, onTape, weighted } from './run.js';

/** A function that is written in ops, and what it means, element by element. */
export interface Composed {
  name: string;
  inputs: Types;
  /** Elements of inputs that random ones would not do for. */
  given?: Record<string, number[]>;
  f(inputs: Record<string, Tensor>): Tensor;
  shape: Shape;
  want(at: number[], read: (input: string, ...at: number[]) => number): number;
}

function elementsOf({ inputs, given }: Composed): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, type], i) => [name, given?.[name] ?? Array.from(fill(type, 11 + i))]),
  );
}

function placesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (places, n) => places.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])),
    [[]],
  );
}

function wanted(of: Composed): number[] {
  const elements = elementsOf(of);
  const read = (input: string, ...at: number[]) =>
    elements[input][of.inputs[input].shape.reduce((flat, n, axis) => flat * n + at[axis], 0)];
  return placesOf(of.shape).map((at) => of.want(at, read));
}

/** Tests of each on the tape, of its gradient, and of all of them compiled into one module. */
export function testComposed(cases: readonly Composed[]): void {
  it.each(cases)('$name: what it means, and its gradient', (of) => {
    const elements = elementsOf(of);
    const names = Object.keys(of.inputs);
    const inputs = names.map((name) => leaf(of.inputs[name], elements[name]));
    const named = (list: readonly Eager[]) => Object.fromEntries(names.map((name, i) => [name, list[i]]));
    const loss = (list: readonly Eager[]) => weighted(of.f(named(list)) as Eager);
    onTape('float64', () => {
      const y = of.f(named(inputs)) as Eager;
      expect(y.shape).toEqual(of.shape);
      wanted(of).forEach((value, i) => {
        if (!Number.isFinite(value)) expect(y.data[i]).toBe(value);
        else expect(y.data[i]).toBeCloseTo(value, 11);
      });
      if (y.dtype === 'f32' && inputs.some((x) => x.dtype === 'f32')) loss(inputs).backward();
    });
    const value = (list: Eager[]) => onTape('float64', () => loss(list).item());
    const flows = inputs.map((x) => (x.grad as Eager | null)?.data ?? null);
    if (flows.some(Boolean)) expect(checkGradients(inputs, value, flows)).toEqual([]);
  });

  it('compile to the same, gradients too, for any number of threads, with no index left to look at', async () => {
    const types = Object.fromEntries(
      cases.flatMap(({ inputs }, i) => Object.entries(inputs).map(([name, type]) => [`${name}${i}`, type])),
    );
    const elements = Object.fromEntries(
      cases.flatMap((of, i) => Object.entries(elementsOf(of)).map(([name, list]) => [`${name}${i}`, list])),
    );
    const graph = trace('composed', types, (all) =>
      Object.fromEntries(
        cases.flatMap(({ inputs, f }, i) => {
          const own = Object.fromEntries(Object.keys(inputs).map((name) => [name, all[`${name}${i}`]]));
          const floats = Object.values(own).filter((x) => x.dtype === 'f32');
          const y = f(own);
          const flows = y.dtype === 'f32' && floats.length ? gradients(y.square().sum(), floats) : [];
          return [[`y${i}`, y], ...flows.flatMap((flow, j) => (flow ? [[`d${i}_${j}`, flow]] : []))];
        }),
      ),
    );
    expect(openIndices(graph)).toEqual([]);
    const want = evaluateGraph(graph, elements, {}).outputs;
    for (const threads of [1, 3]) {
      const compiled = await compileFunction(graph, { threads });
      const got = compiled.call(elements);
      for (const [name, { data }] of Object.entries(want)) {
        const scale = Math.max(1, ...Array.from(data, Math.abs).filter(Number.isFinite));
        const far = Array.from(data).filter(
          (x, i) => !Object.is(x, got[name][i]) && !(Math.abs(x - got[name][i]) <= 3e-6 * scale),
        );
        expect(far, name).toEqual([]);
      }
      await compiled.close();
    }
  }, 120_000);
}
