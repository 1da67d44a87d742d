import { describe, expect, it } from 'vitest';
import { keyOf } from '../../src/emit/cached.js';
import { graphToDot } from '../../src/graph/dot.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { expandAll } from '../../src/graph/expand.js';
import { bodiesOf, type Graph, rewrite } from '../../src/graph/graph.js';
import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { compileFunction, f32, grad, gradients, scan, type Tensor, tensor, trace } from '../../src/index.js';
import { commonSubexpressions } from '../../src/optimize/common-subexpressions.js';
import { optimize } from '../../src/optimize/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { uniform } from './data.js';

const numbers = (x: Tensor) => Array.from((x as Eager).data);
const sums = trace('sums', { x: f32(4), by: f32() }, ({ x, by }) => {
  const { carry, outputs } = scan((sum, v) => ({ carry: sum.add(v.mul(by)), outputs: sum }), {
    carry: tensor(0),
    inputs: x,
  });
  return { carry, outputs };
});
const TEXT = `graph sums(x: f32[4], by: f32[]) {
  %0 = input "x" : f32[4]
  %1 = input "by" : f32[]
  %2 = constant 0 : f32[]
  %3 = scan %2, %0, %1 body=graph step(c0: f32[], x0: f32[], s0: f32[]) {
    %0 = input "c0" : f32[]
    %1 = input "x0" : f32[]
    %2 = input "s0" : f32[]
    %3 = mul %1, %2 : f32[]
    %4 = add %0, %3 : f32[]
    return y0 = %4
    return y1 = %0
  } length=4 carries=1 scanned=1 : (f32[], f32[4], f32[4])
  %4 = result %3 index=0 : f32[]
  %5 = result %3 index=1 : f32[4]
  return carry = %4
  return outputs = %5
}
`;

describe('a node with a graph', () => {
  it('prints it inside, with the lines of the model, and reads it back', () => {
    expect(printGraph(sums, { where: false })).toBe(TEXT);
    expect(printGraph(sums)).toMatch(/\n {4}%3 = mul %1, %2 : f32\[\] {3}# nodes\.test\.ts:\d+\n/);
    for (const text of [TEXT, printGraph(sums)]) expect(printGraph(parseGraph(text))).toBe(text);
    const nested = trace('nested', { x: f32(2, 3) }, ({ x }) => ({
      y: scan(
        (a, row) => ({ carry: scan((b, v) => ({ carry: b.add(v) }), { carry: a, inputs: row }).carry }),
        {
          carry: tensor(0),
          inputs: x,
        },
      ).carry,
    }));
    const reversed = trace('reversed', { x: f32(2) }, ({ x }) => ({
      y: scan((a, v) => ({ carry: a.add(v) }), { carry: tensor(0), inputs: x, reverse: true }).carry,
    }));
    expect(printGraph(reversed)).toContain('scan %1, %0 reverse body=graph step');
    expect(printGraph(parseGraph(printGraph(reversed)))).toBe(printGraph(reversed));
    const text = printGraph(nested);
    expect(text).toMatch(/\n {6}%2 = add /);
    expect(printGraph(parseGraph(text))).toBe(text);
  });

  it('is refused with the line inside of it', () => {
    expect(() => parseGraph(TEXT.replace('%3 = mul %1, %2 : f32[]', '%3 = mul %1, %9 : f32[]'))).toThrow(
      'line 9: %9 is not defined above',
    );
    expect(() => parseGraph(TEXT.replace('carries=1', 'carries=0'))).toThrow(/^line 13: scan: /);
    expect(() => parseGraph(TEXT.slice(0, TEXT.indexOf('return y1')))).toThrow(
      'the text ends before the closing brace',
    );
  });

  it('is verified with its graph', () => {
    const broken = rewrite(sums, (node) => {
      const [body] = bodiesOf(node);
      if (!body) return node;
      const nodes = body[1].nodes.filter((inner) => inner.op.name !== 'mul');
      return { ...node, attrs: { ...node.attrs, body: { ...body[1], nodes } } };
    });
    expect(() => verifyGraph(broken, 'a pass')).toThrow(
      'after a pass, in body of scan: a node reads one that is not of this graph: %3 = add %0, ? : f32[]',
    );
    const variable = parseGraph(
      TEXT.replace('%2 = input "s0"', '%2 = parameter "s0"').replace(', s0: f32[])', ')'),
    );
    expect(() => verifyGraph(variable, 'a pass')).toThrow(
      'after a pass, in body of scan: a graph inside of a node has no variables and updates none',
    );
  });

  it('is the same as another with the same text, for common subexpressions and for the cache', async () => {
    const twice = (second: (v: Tensor) => Tensor) =>
      trace('twice', { x: f32(4) }, ({ x }) => {
        const run = (f: (v: Tensor) => Tensor) =>
          scan((sum, v) => ({ carry: sum.add(f(v)) }), { carry: x.sum(), inputs: x }).carry;
        return { a: run((v) => v.exp()), b: run(second) };
      });
    const scans = (graph: Graph) =>
      commonSubexpressions.run(graph).nodes.filter((node) => node.op.name === 'scan').length;
    expect(scans(twice((v) => v.exp()))).toBe(1);
    expect(scans(twice((v) => v.sin()))).toBe(2);
    const key = (graph: Graph) =>
      keyOf(
        { name: 'f', variables: [], entries: { call: graph } },
        { library: {} as never },
        { shared: true, relaxed: false, level: 1 },
      );
    expect(await key(twice((v) => v.sin()))).toBe(await key(twice((v) => v.sin())));
    expect(await key(twice((v) => v.sin()))).not.toBe(await key(twice((v) => v.cos())));
  });

  it('is drawn in a frame beside its box', () => {
    const dot = graphToDot(sums);
    expect(dot).toContain('subgraph cluster_n3_ {\n    label=<scan body>');
    expect(dot).toContain('n3_n3 -> n3_n4');
    expect(dot).not.toContain('[object');
  });

  it('makes nothing that nobody reads, and has numbers in its graph', () => {
    const loss = trace('loss', { x: f32(4), by: f32() }, ({ x, by }) => {
      const { carry } = scan((sum, v) => ({ carry: sum.mul(by).add(v) }), { carry: tensor(0), inputs: x });
      return { by: gradients(carry.square(), [by])[0]! };
    });
    const scans = (graph: Graph) => graph.nodes.filter((node) => node.op.name === 'scan');
    const results = (graph: Graph) =>
      graph.nodes.filter(({ op }) => op.name === 'result').map(({ attrs }) => attrs.index);
    // The first carries its sum, found by each step of the second; that carries two cotangents.
    expect(scans(optimize(loss)).map(({ attrs }) => [attrs.carries, attrs.scanned])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(results(optimize(loss))).toEqual([0, 1, 1]);
    const known = trace('known', { x: f32(4) }, ({ x }) => {
      const { carry, outputs } = scan(
        ([sum, two], v) => ({ carry: [sum.add(v.mul(two)), two], outputs: [two, v, sum.mul(3)] }),
        { carry: [x.sum(), tensor(2)], inputs: x },
      );
      return { sum: carry[0], two: outputs[0], v: outputs[1] };
    });
    const made = optimize(known);
    const [one] = scans(made);
    expect(one.inputs).toHaveLength(2);
    const [[, body]] = bodiesOf(one);
    expect(body.outputs).toHaveLength(1);
    expect(body.nodes.map(({ op }) => op.name)).toEqual(['input', 'input', 'constant', 'mul', 'add']);
  });
});

describe('scan', () => {
  const x = tensor([1, 2, 3]);

  it('takes nests, walks from the end, and goes without inputs', () => {
    const { carry, outputs } = scan(
      ({ a, list: [b] }, { v }) => ({ carry: { list: [b.add(a)], a: v }, outputs: [{ was: a }] }),
      { carry: { a: tensor(0), list: [tensor(10)] as [Tensor] }, inputs: { v: x }, reverse: true },
    );
    expect([carry.a, carry.list[0]].map(numbers)).toEqual([[1], [15]]);
    expect(numbers(outputs[0].was)).toEqual([2, 3, 0]);
    const powers = scan((p) => ({ carry: p.mul(2), outputs: p }), { carry: tensor(1), length: 5 });
    expect(numbers(powers.carry)).toEqual([32]);
    expect(numbers(powers.outputs)).toEqual([1, 2, 4, 8, 16]);
    expect(scan((p) => ({ carry: p }), { carry: x, length: 1 }).outputs).toEqual([]);
  });

  it('has derivatives of any order, with respect to all that it reads', () => {
    const power = (n: number) => (b: Tensor) =>
      scan((p) => ({ carry: p.mul(b) }), { carry: tensor(1, { precision: 'float64' }), length: n }).carry;
    expect(grad(power(4))(3)).toBe(108);
    expect(grad(grad(power(4)))(3)).toBe(108);
    const graph = trace('power', { b: f32() }, ({ b }) => ({ d: grad(grad(grad(power(4))))(b) }));
    expect(Array.from(evaluateGraph(graph, { b: [3] }, {}).outputs.d.data)).toEqual([72]);
  });

  it('takes gradients in its body with respect to tensors of outside', async () => {
    const graph = trace('f', { x: f32(3), w: f32() }, ({ x, w }) => ({
      // The sum of d/dw of (w v)^2 is 2 w times the sum of squares.
      y: scan((sum, v) => ({ carry: sum.add(gradients(w.mul(v).square(), [w])[0]!) }), {
        carry: tensor(0),
        inputs: x,
      }).carry,
    }));
    expect(Array.from(evaluateGraph(graph, { x: [1, 2, 3], w: [5] }, {}).outputs.y.data)).toEqual([140]);
  });

  it('carries truth values and whole numbers, and reads constants', async () => {
    const mask = tensor([1, 0, 2], { dtype: 'i32' });
    const graph = trace('f', { x: f32(4, 3), go: f32(3) }, ({ x, go }) => {
      const { carry, outputs } = scan(
        ({ on, n }, v) => ({
          carry: { on: v.greater(0), n: n.add(on.cast('i32')).add(mask) },
          outputs: v.mul(on.cast('f32')),
        }),
        { carry: { on: go.greater(0), n: mask }, inputs: x },
      );
      return { on: carry.on.cast('i32'), n: carry.n, outputs };
    });
    const values = { x: uniform([4, 3], 9), go: [1, -1, 1] };
    const want = evaluateGraph(graph, values, {}).outputs;
    const compiled = await compileFunction(graph);
    const got = compiled.call(values);
    for (const name of ['on', 'n', 'outputs'])
      expect(Array.from(got[name], (v) => v + 0)).toEqual(Array.from(want[name].data, (v) => v + 0));
    await compiled.close();
  });

  it('takes nothing for the gradient of a last carry that nothing depends on: not 0 times infinity', () => {
    // The root's slope at 0 is infinite, but only the outputs count.
    const loss = (x: Tensor) =>
      scan((c, v) => ({ carry: c.mul(0).add(v.sub(3).sqrt()), outputs: v.mul(c.add(1)) }), {
        carry: tensor(2),
        inputs: x,
      }).outputs.sum();
    const graph = trace('f', { x: f32(3) }, ({ x }) => ({ g: gradients(loss(x), [x])[0]! }));
    const values = [7, 4, 3];
    // d/dv of v0 3 + v1 (sqrt(v0 - 3) + 1) + v2 (sqrt(v1 - 3) + 1)
    expect(Array.from(evaluateGraph(graph, { x: values }, {}, 'float64').outputs.g.data)).toEqual([
      4, 4.5, 2,
    ]);
    expect(grad(loss)(values)).toEqual([4, 4.5, 2]);
  });

  it('may stand in a scan, and take gradients in its body', async () => {
    // Newton's method for a minimum of (v - t)^4 + v^2, for each t of a row, row after row.
    const newton = (t: Tensor) =>
      scan(
        (v: Tensor) => {
          const f = (at: Tensor) => at.sub(t).square().square().add(at.square()).sum();
          const slope = grad(f);
          const bend = grad((at: Tensor) => slope(at).sum());
          return { carry: v.sub(slope(v).div(bend(v))), outputs: [] };
        },
        { carry: t.mul(0.5), length: 6 },
      ).carry;
    const graph = trace('minima', { t: f32(2, 3) }, ({ t }) => {
      const { outputs } = scan((sum, row) => ({ carry: sum.add(newton(row)), outputs: newton(row) }), {
        carry: t.sum(0).mul(0),
        inputs: t,
      });
      return { v: outputs as Tensor };
    });
    const t = uniform([2, 3], 4);
    const compiled = await compileFunction(graph);
    const { v } = compiled.call({ t });
    await compiled.close();
    Array.from(v).forEach((at, i) => {
      expect(4 * (at - t[i]) ** 3 + 2 * at).toBeCloseTo(0, 5);
    });
  });

  it('means the same unrolled, whichever passes are left out', async () => {
    const values = { x: uniform([4], 1), by: [0.5] };
    const want = evaluateGraph(sums, values, {}).outputs;
    expect(evaluateGraph(expandAll(sums), values, {}).outputs).toEqual(want);
    for (const without of [[], ['expand-composites'], ['simplify-movement'], ['loop-bodies'], ['loop']]) {
      const compiled = await compileFunction(sums, { without });
      expect(compiled.call(values)).toEqual({ carry: want.carry.data, outputs: want.outputs.data });
      await compiled.close();
    }
  });
});
