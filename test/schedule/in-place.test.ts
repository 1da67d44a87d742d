import { describe, expect, it } from 'vitest';
import type { Node } from '../../src/graph/graph.js';
import { parseGraph } from '../../src/graph/parse.js';
import {
  f32,
  gather,
  i32,
  scatterAdd,
  softmax,
  type Tensor,
  type TensorType,
  tanh,
  trace,
} from '../../src/index.js';
import type { PlainKernel } from '../../src/kernels/kernel.js';
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { overwriteQuery } from '../../src/schedule/in-place.js';
import { schedule } from '../../src/schedule/schedule.js';

/** The arena's buffers in the order in which they are written: `add over exp` lies where exp did. */
function buffers(
  inputs: Record<string, TensorType>,
  f: (x: Record<string, Tensor>) => Record<string, Tensor>,
): string {
  const { arena } = planMemory({ call: schedule(optimize(trace('g', inputs, f))) }, []).entries.call;
  return arena.map(({ name, over }) => (over ? `${name} over ${over}` : name)).join(', ');
}

/** Whether a kernel may write a value over an old one, with nothing in variables, parts or panels. */
function mayOverwrite(kernel: PlainKernel, value: Node, old: Node): boolean {
  const nowhere = { isVariable: () => false, regionOf: () => undefined, panelsOf: () => undefined };
  return overwriteQuery(kernel, nowhere)(value, old);
}

const square = { x: f32(6, 6), a: f32(6, 6), b: f32(6, 6), c: f32(6, 6) };
const wide = { x: f32(8, 40), a: f32(40, 40) };

describe('a result that is made element by element', () => {
  // h is read by a product, so it has memory of its own; then by the epilogue of another.
  const products = (g: Record<string, Tensor>) => {
    const h = tanh(g.x.matmul(g.a));
    return { h, next: h.matmul(g.b).relu().matmul(g.c) };
  };

  it('takes over the memory of an operand that dies, in the epilogue of a product', () => {
    const text = buffers(square, (g) => {
      const { h, next } = products(g);
      return { y: next.add(h).matmul(g.a) };
    });
    expect(text).toBe('tanh, relu, add over tanh');
  });

  it('does not if the operand is read again later', () => {
    const text = buffers(square, (g) => {
      const { h, next } = products(g);
      return { y: next.add(h).matmul(h) };
    });
    expect(text).toBe('tanh, relu, add');
  });

  it('does not if the operand is read at other elements, or repeated', () => {
    const turned = buffers(square, (g) => {
      const { h, next } = products(g);
      return { y: next.add(h.transpose()).matmul(g.a) };
    });
    expect(turned).toBe('tanh, relu, add');
    const both = buffers(square, (g) => {
      const { h, next } = products(g);
      return { y: next.add(h).mul(h.transpose()).matmul(g.a) };
    });
    expect(both).toBe('tanh, relu, mul');
    const repeated = buffers({ ...square, x: f32(1, 6), z: f32(6, 6) }, (g) => {
      const { h, next } = products(g);
      return { y: g.z.matmul(g.b).mul(h).add(next).matmul(g.a) };
    });
    expect(repeated).not.toContain('over tanh');
  });

  it('never takes over an operand of the product itself', () => {
    const text = buffers(square, ({ x, a, b, c }) => ({
      y: tanh(x.matmul(a)).matmul(b).relu().matmul(c),
    }));
    expect(text).toBe('tanh, relu');
    const twice = buffers(square, ({ x, a, c }) => {
      const h = tanh(x.matmul(a));
      return { y: h.matmul(h).add(h).matmul(c) };
    });
    expect(twice).toBe('tanh, add');
  });

  it('never takes over a table that its kernel gathers from', () => {
    const text = buffers({ ...square, ids: i32(6) }, ({ x, a, b, ids }) => {
      const h = tanh(x.matmul(a));
      return { y: gather(h, ids).add(h).matmul(b) };
    });
    expect(text).not.toContain('over');
  });
});

describe('a nest of several stages', () => {
  it('keeps what it writes on the way and its result where its input was', () => {
    const text = buffers(wide, ({ x, a }) => ({ y: softmax(x.matmul(a)).matmul(a) }));
    expect(text).toBe('matmul, exp over matmul, div over exp');
  });

  it('does not overwrite an input that a later stage reads, but the last stage may', () => {
    const text = buffers(wide, ({ x, a }) => {
      const z = x.matmul(a);
      return { y: softmax(z).add(z).matmul(a) };
    });
    expect(text).toBe('matmul, exp, add over matmul');
  });
});

describe('a table to which rows are added', () => {
  it('stays where it is when nobody else reads it', () => {
    const text = buffers({ x: f32(6, 6), a: f32(6, 6), ids: i32(2), rows: f32(2, 6) }, (g) => {
      const table = tanh(g.x.matmul(g.a));
      return { y: scatterAdd(table, g.ids, g.rows).matmul(g.a) };
    });
    expect(text).toBe('tanh, sum_repeats, scatter_add over tanh');
  });

  it('and so do rows that are summed', () => {
    const text = buffers({ x: f32(6, 6), a: f32(2, 6), ids: i32(2) }, (g) => {
      const rows = tanh(g.a.matmul(g.x));
      return { y: scatterAdd(g.x, g.ids, rows).matmul(g.x) };
    });
    expect(text).toBe('tanh, sum_repeats over tanh, scatter_add');
  });

  it('does not lie where its indices or its rows do', () => {
    const types = { t: f32(6, 6), i: i32(2), r: f32(2, 6) };
    const sum = trace('g', types, (g) => ({ y: scatterAdd(g.t, g.i, g.r) })).outputs[0].node;
    const [table, ids, rows] = sum.inputs;
    const at = (source: Node) => ({ source, strides: [], offset: 0 });
    const onto = (updates: Node, indices = ids): PlainKernel => {
      const reads = { base: at(table), ids: at(indices), updates: at(updates) };
      return { kind: 'scatter', name: 'add', node: sum, ...reads, stores: [sum], loads: sum.inputs };
    };
    expect(mayOverwrite(onto(rows), sum, table)).toBe(true);
    expect(mayOverwrite(onto(table), sum, table)).toBe(false);
    expect(mayOverwrite(onto(rows, table), sum, table)).toBe(false);
    expect(mayOverwrite(onto(rows), sum, rows)).toBe(false);
    const fold = { kind: 'fold', name: 'fold', node: rows, stores: [rows], loads: [ids, rows] } as const;
    const reads = { ids: at(ids), updates: at(rows) };
    expect(mayOverwrite({ ...fold, ...reads }, rows, rows)).toBe(true);
    expect(mayOverwrite({ ...fold, ...reads }, rows, ids)).toBe(false);
    expect(mayOverwrite({ ...fold, ...reads, ids: at(rows) }, rows, rows)).toBe(false);
  });
});

describe('a copy', () => {
  it('of as many elements in another order does not lie where those do', () => {
    const [old] = trace('g', { t: f32(6, 6) }, (g) => g).inputs;
    const node = { ...old };
    const copy = (strides: readonly number[]): PlainKernel => {
      const parts = [{ read: { source: old, strides, offset: 0 }, shape: [6, 6], starts: [0, 0] }];
      return { kind: 'copy', name: 'copy', node, parts, fills: [], stores: [node], loads: [old] };
    };
    expect(mayOverwrite(copy([1, 6]), node, old)).toBe(false);
    expect(mayOverwrite(copy([6, 1]), node, old)).toBe(true);
  });
});

describe('a new value of a variable', () => {
  const names = (lines: string) => schedule(parseGraph(lines)).kernels.map((k) => k.name);

  it('replaces the old one where it is made, though another value is made of both', () => {
    const text = `graph g(g: f32[8]) {
      %0 = input "g" : f32[8]
      %1 = parameter "w" : f32[8]
      %2 = sub %1, %0 : f32[8]
      %3 = add %2, %1 : f32[8]
      return y = %3
      update "w" = %2
    }`;
    expect(names(text)).toEqual(['map_8_sub_add']);
  });

  it('is brought there by a copy if it would be written before another value reads the old one', () => {
    const text = `graph g(g: f32[8]) {
      %0 = input "g" : f32[8]
      %1 = parameter "w" : f32[8]
      %2 = neg %0 : f32[8]
      %3 = add %2, %1 : f32[8]
      return y = %3
      update "w" = %2
    }`;
    expect(names(text)).toEqual(['map_8_neg_add', 'copy_8']);
  });
});
