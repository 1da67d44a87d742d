import { describe, expect, it } from 'vitest';
import { emitModule } from '../../src/emit/module.js';
import {
  broadcastTo,
  concat,
  conv2d,
  f32,
  gather,
  gradients,
  i32,
  pad,
  scatterAdd,
  softmax,
  split,
  type Tensor,
  type TensorType,
  tanh,
  trace,
} from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { schedule } from '../../src/schedule/schedule.js';

type Model = (x: Record<string, Tensor>) => Record<string, Tensor>;

const scheduled = (inputs: Record<string, TensorType>, f: Model, without: string[] = []) =>
  schedule(optimize(trace('g', inputs, f)), { without });

/** Each kernel with what it stores: `gemm_nn_4x5x3_tanh: tanh in concat`. */
function kernels(inputs: Record<string, TensorType>, f: Model, without: string[] = []): string[] {
  const { kernels, storage } = scheduled(inputs, f, without);
  return kernels.map(({ name, stores }) => {
    const places = stores.map((node) => {
      const at = storage.get(node)!;
      return at.kind === 'part' ? `${node.op.name} in ${at.region.whole.op.name}` : node.op.name;
    });
    return `${name}: ${places.join(', ')}`;
  });
}

const types = { x: f32(8, 12), u: f32(12, 16), v: f32(12, 20), w: f32(36, 5) };

describe('what is only a part is stored where it belongs', () => {
  const two: Model = ({ x, u, v, w }) => ({
    y: concat([x.matmul(u).tanh(), x.matmul(v).relu()], 1).matmul(w),
  });

  it('in a concatenation along the last axis', () => {
    expect(kernels(types, two)).toEqual([
      'gemm_nn_8x16x12_tanh: tanh in concat',
      'gemm_nn_8x20x12_relu: relu in concat',
      'gemm_nn_8x5x36: matmul',
    ]);
    expect(kernels(types, two, ['strided-stores'])).toContain('concat_8x36: concat');
  });

  it.each([0, 1, 2])('along axis %i of three', (axis) => {
    const parts = ({ p, q }: Record<string, Tensor>) => [p.matmul(q), p.mul(2).matmul(q), p.tanh()];
    const shape = [6, 6, 6].with(axis, 18);
    const names = kernels({ p: f32(6, 6, 6), q: f32(6, 6, 6), w: f32(...shape) }, (g) => ({
      y: concat(parts(g), axis).mul(g.w).sum(axis).matmul(g.q),
    }));
    expect(names.filter((name) => name.endsWith(' in concat'))).toHaveLength(3);
    expect(names.join()).not.toContain('concat_');
  });

  it('inside of zeros, of which only those around it are written', () => {
    const { kernels: list } = scheduled({ x: f32(8, 12), u: f32(12, 16) }, ({ x, u }) => ({
      y: pad(x.matmul(u), [1, 0], [2, 4]),
    }));
    const rest = list.find(({ kind }) => kind === 'copy')!;
    expect(rest).toMatchObject({
      parts: [],
      fills: [
        { starts: [0, 0], shape: [1, 20], value: 0 },
        { starts: [9, 0], shape: [2, 20], value: 0 },
        { starts: [1, 16], shape: [8, 4], value: 0 },
      ],
    });
  });

  it('as heads that are put together again, and an output in another order', () => {
    const heads = kernels({ s: f32(2, 3, 8, 8), v: f32(2, 3, 8, 4), o: f32(12, 12) }, ({ s, v, o }) => ({
      y: s.matmul(v).transpose([0, 2, 1, 3]).reshape([2, 8, 12]).matmul(o),
    }));
    expect(heads).toEqual(['gemm_nn_2x3x8x4x8: matmul in reshape', 'gemm_nn_16x12x12: matmul']);
    const turned = kernels(types, ({ x, u }) => ({ y: x.matmul(u).tanh().transpose() }));
    expect(turned).toEqual(['gemm_nn_8x16x12_tanh: tanh in transpose']);
  });

  it('as the parts of a split whose gradients are joined', () => {
    const text = kernels(types, ({ x, u, w }) => {
      const [a, b] = split(x.matmul(u), 8, 1);
      const g = concat([a.mul(b.tanh()), b.mul(a.sigmoid())], 1);
      return { y: x.transpose().matmul(g).matmul(g.transpose()), z: w };
    });
    expect(text.join()).not.toContain('concat_');
  });

  it('one in the other, where joined tensors are joined again', () => {
    const text = kernels({ x: f32(8, 12), a: f32(12, 8), b: f32(20, 8), c: f32(28, 4) }, ({ x, a, b, c }) => {
      const first = x.mul(2);
      const second = concat([first, first.matmul(a).relu()], 1);
      const third = concat([second, second.matmul(b).relu()], 1);
      return { y: third.matmul(c) };
    });
    expect(text).toEqual([
      'map_8x12_mul: mul in concat',
      'gemm_nn_8x8x12_relu: relu in concat',
      'gemm_nn_8x8x20_relu: relu in concat',
      'gemm_nn_8x4x28: matmul',
    ]);
  });

  it('and read there by whoever else wants it', () => {
    const { kernels: list, storage } = scheduled({ ...types, z: f32(16, 3) }, ({ x, u, v, w, z }) => {
      const h = x.matmul(u).tanh();
      return { y: concat([h, x.matmul(v)], 1).matmul(w), s: h.matmul(z) };
    });
    const reader = list.find(({ name }) => name === 'gemm_nn_8x3x16')!;
    expect(reader.kind === 'gemm' && [reader.a.source.op.name, reader.a.strides]).toEqual([
      'concat',
      [36, 1],
    ]);
    expect(reader.loads.map((node) => storage.get(node)!.kind)).toContain('part');
  });

  it('in a buffer that lives from its first part to its last reader', () => {
    const { kernels: list, lives } = scheduled(types, two);
    const [life] = lives;
    expect(lives.map(({ node }) => node.op.name)).toEqual(['concat']);
    expect([life.from, life.to]).toEqual([0, list.length - 1]);
  });
});

it('what is the same number everywhere is filled in, and needs no kernel of its own', () => {
  const { kernels: list } = scheduled(types, ({ x, u, w }) => {
    const [a] = split(x.matmul(u), [6, 10], 1);
    const padded = concat([a.tanh(), broadcastTo(0.5, [8, 30])], 1);
    return { y: padded.matmul(w) };
  });
  expect(list.map(({ name }) => name)).toEqual([
    'gemm_nn_8x16x12',
    'map_8x6_tanh',
    'concat_8x36',
    'gemm_nn_8x5x36',
  ]);
  expect(list[2]).toMatchObject({
    parts: [],
    loads: [],
    fills: [{ starts: [0, 6], shape: [8, 30], value: 0.5 }],
  });
});

describe('a copy stays', () => {
  it('of what is given, of what is an output itself, and of a second place', () => {
    const given = kernels(types, ({ x, u, w }) => ({
      y: concat([x, x.matmul(u), x.slice([0, 0], [8, 8])], 1).matmul(w),
    }));
    expect(given).toContain('concat_8x36: concat');
    const twice = kernels({ x: f32(8, 12), u: f32(12, 18), w: f32(36, 5) }, ({ x, u, w }) => {
      const h = x.matmul(u);
      return { y: concat([h, h], 1).matmul(w) };
    });
    expect(twice).toEqual([
      'gemm_nn_8x18x12: matmul in concat',
      'concat_8x36: concat',
      'gemm_nn_8x5x36: matmul',
    ]);
    const shown = kernels(types, ({ x, u, v, w }) => {
      const h = x.matmul(u);
      return { h, y: concat([h, x.matmul(v)], 1).matmul(w) };
    });
    expect(shown).toContain('concat_8x36: concat');
  });

  it('of a table that rows are gathered from, and of rows that are added to one', () => {
    const table = kernels({ ...types, ids: i32(5) }, ({ x, u, v, w, ids }) => {
      const h = x.matmul(u);
      return { y: concat([h, x.matmul(v)], 1).matmul(w), rows: gather(h, ids) };
    });
    expect(table).toContain('gemm_nn_8x16x12: matmul');
    const rows = kernels({ ...types, ids: i32(8), t: f32(9, 16) }, ({ x, u, v, w, ids, t }) => {
      const h = x.matmul(u);
      return { y: concat([h, x.matmul(v)], 1).matmul(w), z: scatterAdd(t, ids, h) };
    });
    expect(rows).toContain('gemm_nn_8x16x12: matmul');
  });

  it('where a reader would sum its elements in another order', () => {
    const text = kernels(
      { x: f32(8, 12), u: f32(12, 18), v: f32(12, 3), w: f32(21, 5) },
      ({ x, u, v, w }) => {
        const h = x.matmul(u);
        return { y: concat([h, x.matmul(v)], 1).matmul(w), s: h.sum() };
      },
    );
    expect(text).toContain('gemm_nn_8x18x12: matmul');
  });

  it('where the rows of a part are so short that its maker would lose more', () => {
    const names = (width: number) =>
      kernels({ a: f32(400, width), b: f32(400, width), w: f32(2 * width, 8) }, ({ a, b, w }) => ({
        y: concat([tanh(a), tanh(b)], 1).matmul(w),
      })).join();
    expect(names(5)).toContain('concat_');
    expect(names(32)).not.toContain('concat_');
  });

  it('where one element of it goes into what others make on the spot', () => {
    const text = kernels({ x: f32(8, 12), v: f32(3, 1) }, ({ x, v }) => {
      const s = x.sum();
      return { y: x.mul(s.mul(0.5)), c: concat([s.reshape([1, 1]), v], 0).matmul(v.transpose()) };
    });
    expect(text.join()).toContain('concat_4x1: concat');
  });
});

describe('with memory checked', () => {
  const model: Model = ({ x, u, v, w }) => {
    const p = softmax(x.matmul(u));
    return { y: concat([p, x.matmul(v).relu()], 1).matmul(w), z: p.mul(2) };
  };
  const schedules = { call: scheduled(types, model) };
  const plan = planMemory(schedules, []);

  it('the programs prove that each writes its own part alone', () => {
    expect(plan.entries.call.parts.size).toBeGreaterThan(0);
    expect(() => emitModule('g', schedules, plan, { poison: true })).not.toThrow();
  });

  it('a product may pack what lies beside its own part', () => {
    const large = { h: f32(100, 100), s: f32(100, 100), w: f32(100, 3) };
    const call = scheduled(large, ({ h, s, w }) => {
      const x = h.mul(2);
      return { y: concat([x, s.matmul(x.transpose())], 0).matmul(w) };
    });
    const packed = call.kernels.find((kernel) => kernel.kind === 'gemm' && kernel.tiling.packB === 'turned')!;
    const kinds = [...packed.loads, ...packed.stores].map((node) => call.storage.get(node)!.kind);
    expect(kinds).toEqual(['input', 'part', 'part']);
    expect(() => emitModule('g', { call }, planMemory({ call }, []), { poison: true })).not.toThrow();
  });

  it('zeros between elements lie apart from those around, wherever a row of the whole begins', () => {
    const image = { x: f32(1, 12, 11, 6), w: f32(3, 3, 1, 6) };
    const call = scheduled(image, ({ x, w }) => {
      const y = conv2d(x, w, { groups: 6, stride: 3, dilation: 2 });
      return { dx: gradients(y.square().sum(), [x])[0]! };
    });
    const plan = planMemory({ call }, []);
    expect(plan.entries.call.parts.size).toBeGreaterThan(2);
    expect(() => emitModule('g', { call }, plan, { poison: true })).not.toThrow();
  });

  it('a part that lies where another does is found out', () => {
    const { call } = plan.entries;
    const parts = new Map(
      [...call.parts].map(([node, region]) => [node, { ...region, offset: Math.max(0, region.offset - 1) }]),
    );
    const broken = { ...plan, entries: { call: { ...call, parts } } };
    expect(() => emitModule('g', schedules, broken, { poison: true })).toThrow(
      /may write the same elements of concat/,
    );
  });

  it('no thread waits for another that writes a different part, and readers wait for all', () => {
    const { text } = emitModule('g', schedules, plan, { threadShare: 0 });
    const step = text.slice(
      text.indexOf('function step0('),
      text.indexOf('\n}\n', text.indexOf('function step0(')),
    );
    const order = step
      .split('\n')
      .flatMap((line) => /barrier|gemm_nn_\d+x\d+x\d+|reduce|map/.exec(line)?.[0] ?? []);
    expect(order.at(-2)).toBe('barrier');
    expect(order.at(-1)).toMatch(/gemm_nn_8x5x36|map/);
  });
});
