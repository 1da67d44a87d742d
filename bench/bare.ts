import { compileProgram } from '../src/emit/compile.js';
import type { Graph } from '../src/graph/graph.js';
import {
  attention,
  compileFunction,
  conv2d,
  f32,
  gradients,
  type Tensor,
  type TensorType,
  trace,
} from '../src/index.js';
import { zeros } from '../src/ops/movement.js';
import { withInterpreter } from '../src/ops/tensor.js';
import { sessionBytes } from '../src/plan/layout.js';
import { readLibrary } from '../src/run/node.js';
import { numel } from '../src/shape.js';
import { Tape } from '../src/tape/tape.js';
import { type Entered, type EnterOptions, type Entrant, timed } from './entrant.js';
import { uniform } from './golden/hash.js';
import type { Attention, Bare, Convolution, Product } from './workloads.js';

// Functions of tensors by themselves: a matrix product, a convolution or one of its gradients, or attention with its gradients.

interface Task {
  /** Its arguments; the elements of each have a salt of their own, counted from 1. */
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly flops: number;
  run(inputs: Record<string, Tensor>): Record<string, Tensor>;
}

function taskOf(config: Bare): Task {
  if (config.model === 'product') return productTask(config);
  return config.model === 'convolution' ? convolutionTask(config) : attentionTask(config);
}

/** What is compiled for a function by itself. */
export function bareGraph(config: Bare): Graph {
  const { inputs, run } = taskOf(config);
  return trace(config.model, inputs, run);
}

function productTask({ m, n, k }: Product): Task {
  const run = ({ a, b }: Record<string, Tensor>) => ({ c: a.matmul(b) });
  return { inputs: { a: f32(m, k), b: f32(k, n) }, flops: 2 * m * n * k, run };
}

/** All places of the kernel count, also those over the zeros around an image. */
function convolutionTask(config: Convolution): Task {
  const { batch, height, width, channels, out, kernel, part } = config;
  const x = f32(batch, height, width, channels);
  const w = f32(kernel, kernel, channels, out);
  const g = f32(batch, height, width, out);
  const apply = (x: Tensor, w: Tensor) => conv2d(x, w, { padding: 'same' });
  const flops = 2 * numel(g.shape) * kernel * kernel * channels;
  if (part === 'forward') return { inputs: { x, w }, flops, run: (t) => ({ c: apply(t.x, t.w) }) };
  // What a gradient is for does not matter to it, a convolution being linear in both.
  const image = part === 'image';
  const by = (t: Record<string, Tensor>) => ({ x: zeros(x), w: zeros(w), ...t });
  return {
    inputs: image ? { w, g } : { x, g },
    flops,
    run(given) {
      const t = by(given);
      return { c: gradients(apply(t.x, t.w), [image ? t.x : t.w], { cotangent: given.g })[0]! };
    },
  };
}

/** Two products forward and four backward; where later places are not seen, half of each. */
function attentionTask({ batch, heads, places, size, causal }: Attention): Task {
  const x = f32(batch, heads, places, size);
  return {
    inputs: { q: x, k: x, v: x, g: x },
    flops: (6 * 2 * numel(x.shape) * places) / (causal ? 2 : 1),
    run({ q, k, v, g }) {
      const y = attention(q, k, v, { causal });
      // As in a model the gradient waits for the result; a given cotangent would let both be made at once.
      const [dq, dk, dv] = gradients(y.mul(y).mul(g).sum(), [q, k, v]);
      return { y, dq: dq!, dk: dk!, dv: dv! };
    },
  };
}

/** Our engines on a function by itself. */
export async function enterBare(config: Bare, options: EnterOptions): Promise<Entered> {
  const { engines, threads, compiles, without } = options;
  const { inputs, flops, run } = taskOf(config);
  const graph = bareGraph(config);
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }], i) => [name, uniform(numel(shape), 1, i + 1)]),
  );
  const entrants: Entrant[] = [];
  if (engines.includes('tape')) entrants.push(onTape(inputs, values, run));
  const library = await readLibrary();
  const program = { name: graph.name, variables: [], entries: { call: graph } };
  for (const engine of COMPILED) {
    if (!engines.includes(engine)) continue;
    const [relaxed, wide] = [engine === 'compiled-relaxed', engine === 'compiled-wide'];
    const left = engine === 'compiled-without' ? without : [];
    const { ms } = await timed(compiles, () => compileProgram(program, { library, relaxed, without: left }));
    for (const n of new Set(relaxed ? [1] : [1, threads])) {
      const compiled = { threads: n, relaxed, wide, without: left, cache: false };
      const made = await compileFunction(graph, compiled);
      if (wide && !made.wide?.used) {
        await made.close();
        continue;
      }
      made.load(values);
      entrants.push({
        engine,
        threads: n,
        compileMs: ms,
        peakBytes: sessionBytes(made.module.layout, n),
        async take(steps) {
          const began = performance.now();
          made.run(steps);
          return performance.now() - began;
        },
        close: () => made.close(),
      });
    }
  }
  return { entrants, flops };
}

const COMPILED = ['compiled', 'compiled-without', 'compiled-wide', 'compiled-relaxed'] as const;

function onTape(inputs: Task['inputs'], values: Record<string, Float32Array>, run: Task['run']): Entrant {
  const tape = new Tape('float32');
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, tape.constant(values[name], shape, 'f32')]),
  );
  return {
    engine: 'tape',
    threads: 1,
    compileMs: null,
    peakBytes: null,
    async take(steps) {
      const began = performance.now();
      withInterpreter(tape, () => {
        for (let i = 0; i < steps; i++) run(tensors);
      });
      return performance.now() - began;
    },
    async close() {},
  };
}
