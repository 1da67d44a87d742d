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
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { mayOverwrite } from '../../src/schedule/in-place.js';
import type { KernelBody } from '../../src/schedule/kernel.js';
import { schedule } from '../../src/schedule/schedule.js';

/** The arena's buffers in the order in which they are written: `add over exp` lies where exp did. */
function buffers(
  inputs: Record<string, TensorType>,
  f: (x: Record<string, Tensor>) => Record<string, Tensor>,
): string {
  const { arena } = planMemory({ call: schedule(optimize(trace('g', inputs, f))) }, []).entries.call;
  return arena.map(({ name, over }) => (over ? `${name} over ${over}` : name)).join(', ');
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
    const [table, ids, rows] = trace('g', { t: f32(6, 6), i: i32(2), r: f32(2, 6) }, (g) => g).inputs;
    const at = (source: Node) => ({ source, strides: [], offset: 0 });
    const stores = { stored: new Set<Node>(), isLate: () => false };
    const onto = (updates: Node, indices = ids): KernelBody => {
      return { kind: 'scatter', node: table, base: at(table), ids: at(indices), updates: at(updates) };
    };
    expect(mayOverwrite(onto(rows), table, table, stores)).toBe(true);
    expect(mayOverwrite(onto(table), table, table, stores)).toBe(false);
    expect(mayOverwrite(onto(rows, table), table, table, stores)).toBe(false);
    expect(mayOverwrite(onto(rows), table, rows, stores)).toBe(false);
    const fold: KernelBody = { kind: 'fold', node: rows, ids: at(ids), updates: at(rows) };
    expect(mayOverwrite(fold, rows, rows, stores)).toBe(true);
    expect(mayOverwrite(fold, rows, ids, stores)).toBe(false);
    expect(mayOverwrite({ ...fold, ids: at(rows) }, rows, rows, stores)).toBe(false);
  });
});

describe('a copy', () => {
  it('of as many elements in another order does not lie where those do', () => {
    const [old] = trace('g', { t: f32(6, 6) }, (g) => g).inputs;
    const read = { source: old, strides: [1, 6], offset: 0 };
    const kernel: KernelBody = {
      kind: 'copy',
      node: old,
      parts: [{ read, shape: [6, 6], starts: [0, 0] }],
      fills: [],
    };
    const stores = { stored: new Set<Node>(), isLate: () => false };
    expect(mayOverwrite(kernel, { ...old }, old, stores)).toBe(false);
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
