import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { f32, opTable, type Tensor, trace } from '../../src/index.js';
import { Tape } from '../../src/tape/tape.js';
import { evaluateBounded } from './bounds.js';
import { dataFor } from './data.js';
import { programOf } from './fuzz.js';
import { runProgram, traceProgram } from './program.js';
import { rules } from './rules.js';

const seeds = Array.from({ length: 60 }, (_, i) => 500 + i);

function caseOf(seed: number) {
  const program = programOf(seed);
  const graph = traceProgram(program);
  const inputs = dataFor(graph, program.data, ['input']);
  const variables = dataFor(graph, program.data, ['parameter', 'state']);
  return { program, graph, inputs, variables };
}

/** Bounds of y = f(x). */
function boundsOf(x: number[], f: (x: Tensor) => Tensor) {
  const graph = trace('f', { x: f32(x.length) }, (given) => ({ y: f(given.x) }));
  return evaluateBounded(graph, { x: Float32Array.from(x) }, {}).outputs.y;
}

describe('error bounds', () => {
  it('have a rule for every op', () => {
    const leaves = ['input', 'constant'];
    const missing = [...opTable().keys()].filter((name) => !(name in rules) && !leaves.includes(name));
    expect(missing).toEqual([]);
  });

  it('hold for the float32 reference on random programs', () => {
    for (const seed of seeds) {
      const { graph, inputs, variables } = caseOf(seed);
      const got = evaluateGraph(graph, inputs, variables, 'float32');
      const want = evaluateBounded(graph, inputs, variables);
      for (const kind of ['outputs', 'updates'] as const) {
        for (const [name, { data, error }] of Object.entries(want[kind])) {
          const off = Array.from(got[kind][name].data).flatMap((x, i) =>
            Object.is(x, data[i]) || Math.abs(x - data[i]) <= error[i] || error[i] === Infinity
              ? []
              : [{ seed, name, i, got: x, want: data[i], error: error[i] }],
          );
          expect(off).toEqual([]);
        }
      }
    }
  });

  it('are 0 where float32 cannot be off: moves, small whole numbers, clear comparisons', () => {
    expect(Array.from(boundsOf([0.1, 0.7], (x) => x.neg().reshape([2, 1]).relu()).error)).toEqual([0, 0]);
    expect(Array.from(boundsOf([1, 2.5], (x) => x.mul(3).add(x)).error)).toEqual([0, 0]);
    expect(Array.from(boundsOf([0.1, 0.7], (x) => x.mul(0.3).greater(0.1).cast('f32')).error)).toEqual([
      0, 0,
    ]);
  });

  it('count the terms that cancel, in whatever order they are summed', () => {
    const [e] = boundsOf([1e4, 0.1, -1e4], (x) => x.sum()).error;
    expect(e).toBeGreaterThan(2e4 * 2 ** -24);
    expect(e).toBeLessThan(1);
  });

  it('say nothing of a comparison that rounding decides, and of what is made of it', () => {
    const bounds = boundsOf([0.1], (x) =>
      x
        .exp()
        .equal(Math.fround(Math.exp(Math.fround(0.1))))
        .cast('f32')
        .add(1),
    );
    expect(bounds.error[0]).toBeGreaterThanOrEqual(1);
  });

  it('keep what is certain to be infinite or no number', () => {
    const { data, error } = boundsOf([-1, 0, 1], (x) => x.log().add(x.mul(0.3)));
    expect(Array.from(data).slice(0, 2)).toEqual([Number.NaN, -Infinity]);
    expect(Array.from(error).slice(0, 2)).toEqual([0, 0]);
  });
});

describe('random programs', () => {
  it('mean on the tape what they mean as graphs', () => {
    for (const seed of seeds.slice(0, 30)) {
      const { program, graph, inputs, variables } = caseOf(seed);
      const want = evaluateGraph(graph, inputs, variables, 'float64');
      const names = new Map<object, string>();
      const tape = new Tape('float64', (variable) => variables[names.get(variable)!]);
      let ops = 0;
      const apply = tape.apply.bind(tape);
      tape.apply = (...of) => {
        ops++;
        return apply(...of);
      };
      const outputs = runProgram(
        program,
        tape,
        (name, { shape, dtype }) => tape.constant(inputs[name], shape, dtype),
        (variable, name) => names.set(variable, name),
        () => ops < 60,
      );
      for (const [name, tensor] of Object.entries(outputs)) {
        expect({ seed, name, data: (tensor as unknown as { data: unknown }).data }).toEqual({
          ...{ seed, name },
          data: want.outputs[name].data,
        });
      }
    }
  });
});
