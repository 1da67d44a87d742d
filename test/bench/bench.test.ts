import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bareGraph } from '../../bench/bare.js';
import { uniform } from '../../bench/golden/hash.js';
import { parseOptions } from '../../bench/options.js';
import { flopsOf } from '../../bench/ours.js';
import { CONVOLUTION_PARTS, contexts, convolution, select, WORKLOADS } from '../../bench/workloads.js';
import { PASSES } from '../../src/emit/compile.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { inputAttrs } from '../../src/graph/graph.js';
import { f32, scan, type Tensor, trace } from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import { schedule } from '../../src/schedule/schedule.js';
import { inTurn } from '../processes/in-turn.js';
import { TSX } from '../processes/tsx.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = [...TSX, 'bench/main.ts', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

it.concurrent('prints a table and, with --json, the same as one object in the last line', async () => {
  const { code, stdout, stderr } = await bench(
    '--only',
    'W1',
    '--quick',
    '--rounds',
    '2',
    '--json',
    '--threads',
    '2',
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'W1, 1 of 1\n' });
  const lines = stdout.trimEnd().split('\n');
  const { ceiling_gflops: ceiling, results, node } = JSON.parse(lines.at(-1)!);
  expect(node).toBe(process.versions.node);
  expect(ceiling.strict).toBeGreaterThan(0.1);
  expect(ceiling.relaxed).toBeGreaterThan(0.1);
  const engines = results.map((r: { engine: string; threads: number }) => `${r.engine} ${r.threads}`);
  expect(engines).toEqual(['tape 1', 'compiled 1', 'compiled 2', 'compiled-relaxed 1']);
  for (const row of results) {
    expect(row.workload).toBe('W1');
    expect(row.steps_per_second).toBeGreaterThan(1);
    expect(row.spread).toBeGreaterThanOrEqual(0);
    // Two products forward, each with two backward.
    expect((1e9 * row.gflops) / row.steps_per_second).toBeGreaterThan(3 * 2 * 32 * 100 * (6 + 27));
    const isTape = row.engine === 'tape';
    const parameters = 27 * 2 + 6 * 100 + 100 + 100 * 27 + 27;
    expect([row.compile_ms, row.peak_bytes]).toEqual(
      isTape ? [null, null] : [expect.any(Number), expect.any(Number)],
    );
    if (!isTape) expect(row.peak_bytes).toBeGreaterThan(4 * parameters);
    expect(lines.some((line) => line.includes(row.engine) && line.includes(` ${row.threads} `))).toBe(true);
  }
}, 300_000);

it.concurrent('prints the time of each kernel with --callgraph', async () => {
  const { code, stdout } = await bench('--callgraph', '--only', 'W1', '--quick');
  expect(code).toBe(0);
  const [head, ...kernels] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^W1: [\d.]+ us a step in kernels, [\d.]+ us between \(\d+ steps, 1 thread\)$/);
  const shares = kernels.map((line) => Number(/([\d.]+) %/.exec(line)![1]));
  expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(100, 0);
  expect(kernels.some((line) => line.includes('gemm_nn_32x27x100_add'))).toBe(true);
}, 300_000);

const refuse = inTurn('bench/main.ts', ['--import', 'tsx']);

it.each([
  ...['--only W9', '--gemm 3x4', '--rounds 0', '--nonsense', '--html no/such/folder/page.html'],
  ...['--conv 32x32x3x16', '--contexts 48', '--without nobody', '--only W1 --conv'],
])('called wrongly (%s) it ends with code 2', async (words) => {
  const { code, stderr } = await refuse(...words.split(' '));
  expect(code).toBe(2);
  expect(stderr).toContain(words.split(' ').at(-1));
});

it('texts of other lengths have as many tokens in a step, and what does not divide is refused', () => {
  const sizes = (lengths: number[]) =>
    contexts(lengths).map(({ config }) => config.model === 'gpt' && [config.context, config.batch]);
  expect(sizes([64, 256, 1024])).toEqual([
    [64, 16],
    [256, 4],
    [1024, 1],
  ]);
  expect(sizes([128, 2048])).toEqual([
    [128, 16],
    [2048, 1],
  ]);
  expect(() => contexts([100])).toThrow(/1024 tokens.* no whole number of texts of 100/);
});

it('contexts and convolutions have sizes unless told, and contexts are measured without the passes for attention too', () => {
  const read = (...args: string[]) => {
    const { workloads, without, bare } = parseOptions(args);
    return { names: workloads.map(({ name }) => name), without, bare };
  };
  const attention = PASSES.filter((pass) => /attention$/.test(pass));
  const names = ['W6-64', 'W6-256', 'W6-1024'];
  expect(read('--contexts')).toEqual({ names, without: attention, bare: false });
  const told = read('--contexts', '512', '--without', 'fuse,group');
  expect(told).toEqual({ names: ['W6-512'], without: ['fuse', 'group'], bare: false });
  expect(read('--only', 'W6')).toEqual({ names: ['W6'], without: [], bare: false });
  const alone = read('--attention', '256,2048');
  const both = ['attention-256', 'attention-256 causal', 'attention-2048', 'attention-2048 causal'];
  expect(alone).toEqual({ names: both, without: attention, bare: true });
  const { names: convolutions, bare } = read('--conv');
  expect(convolutions).toEqual(expect.arrayContaining(['56x56x64x64x3 image', '32x32x3x16x3 filters']));
  expect(bare).toBe(true);
});

it('a name is a workload, or all workloads of its kind', () => {
  expect(select(['W4', 'W1']).map((w) => w.name)).toEqual(['W1', 'W4']);
  expect(select(['W5'])).toEqual(WORKLOADS.filter((w) => w.name.startsWith('W5-')));
  expect(() => select(['W'])).toThrow('there is no workload W: there are W1,');
});

it('a matrix product counts 2mnk, and what is done to its elements as well', () => {
  const inputs = { a: f32(33, 51), b: f32(51, 77) };
  const flops = (f: Parameters<typeof trace>[2]) => flopsOf(schedule(optimize(trace('product', inputs, f))));
  const product = 2 * 33 * 77 * 51;
  expect(flops(({ a, b }) => ({ c: a.matmul(b) }))).toBe(product);
  expect(flops(({ a, b }) => ({ c: a.matmul(b).add(1) }))).toBe(product + 33 * 77);
});

it('the steps of a loop count as often as they are taken', () => {
  const inputs = { h: f32(4, 8), w: f32(8, 8), xs: f32(5, 4, 8) };
  const graph = trace('loop', inputs, ({ h, w, xs }) => {
    const step = (h: Tensor, x: Tensor) => ({ carry: h.matmul(w).add(x), outputs: {} });
    return { h: scan(step, { carry: h, inputs: xs }).carry };
  });
  expect(flopsOf(schedule(optimize(graph)))).toBe(5 * (2 * 4 * 8 * 8 + 4 * 8));
});

it('the parts of a convolution are the same sum of products, seen from each operand, and one product each', () => {
  const parts = convolution(5, 4, 3, 2, 3).map(({ name, config }) => {
    if (config.model !== 'convolution') throw new Error(`${name} is none`);
    const graph = bareGraph(config);
    const sizes = { x: [8, 5, 4, 3], w: [3, 3, 3, 2], g: [8, 5, 4, 2] };
    const all = Object.values(sizes).map((shape, i) =>
      uniform(
        shape.reduce((a, b) => a * b),
        1,
        i + 1,
      ),
    );
    const values = Object.fromEntries(Object.keys(sizes).map((name, i) => [name, all[i]]));
    const given = graph.inputs.map((node) => inputAttrs(node).name);
    const { c: result } = evaluateGraph(graph, values, {}, 'float64').outputs;
    const other = Object.keys(sizes).find((name) => !given.includes(name))!;
    const sum = Array.from(values[other]).reduce((sum, v, i) => sum + v * result.data[i], 0);
    return { other, sum, flops: flopsOf(schedule(optimize(graph))) };
  });
  expect(parts.map(({ other }) => other)).toEqual(['g', 'x', 'w']);
  expect(CONVOLUTION_PARTS).toHaveLength(3);
  for (const { sum, flops } of parts) {
    expect(sum).toBeCloseTo(parts[0].sum, 3);
    expect(flops).toBeGreaterThanOrEqual(2 * 8 * 5 * 4 * 2 * 3 * 3 * 3);
  }
});
