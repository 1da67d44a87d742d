import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { parseGraph } from '../../src/graph/parse.js';

const graph = parseGraph(`
graph g(x: f32[2,2]) {
  %0 = input "x" : f32[2,2]
  %1 = state "n" : i32[]
  %2 = parameter "w" : f32[2]
  %3 = constant 0.1 : f32[]
  %4 = mul %2, %3 : f32[2]
  %5 = add %0, %4 : f32[2,2]
  %6 = sum %5 axes=[1] : f32[2,1]
  %7 = constant 1 : i32[]
  %8 = add %1, %7 : i32[]
  return rows = %6
  update "w" = %4
  update "n" = %8
}`);
const inputs = { x: [1, 2, 3, 4] };
const variables = { w: [10, 20], n: [41] };

describe('evaluateGraph', () => {
  it('gives outputs and the new values of variables', () => {
    const { outputs, updates } = evaluateGraph(graph, inputs, variables, 'float64');
    expect(outputs.rows).toEqual({ shape: [2, 1], dtype: 'f32', data: Float64Array.of(6, 10) });
    expect(updates.w.data).toEqual(Float64Array.of(1, 2));
    expect(updates.n.data).toEqual(Int32Array.of(42));
  });

  it('rounds to float32 unless asked for float64', () => {
    expect(evaluateGraph(graph, inputs, { ...variables, w: [1, 3] }).updates.w.data).toEqual(
      Float32Array.of(0.1, Math.fround(Math.fround(0.1) * 3)),
    );
  });

  it('names what is missing or of the wrong length', () => {
    expect(() => evaluateGraph(graph, {}, variables)).toThrow('evaluate: no value is given for input x');
    expect(() => evaluateGraph(graph, inputs, { ...variables, w: [1] })).toThrow(
      'evaluate: parameter w is f32[2], but 1 elements are given',
    );
  });
});
