import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Session } from '../src/index.js';
import { Conversation } from './conversation.js';
import type { Entrant } from './entrant.js';
import { part } from './golden/compare.js';
import { uniform } from './golden/hash.js';
import { buildGolden, type GoldenRun, writeInitial } from './golden/model.js';
import { measuredRate } from './ours.js';
import { isBare, type Workload } from './workloads.js';

// Other engines, each in a process of its own that is idle unless it is its turn. bench/peers/ has what they run.

interface Program {
  readonly engine: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Models that it can run. */
  readonly models: readonly string[];
}

export interface Peer extends Program {
  readonly version: string;
}

export interface Missing {
  readonly engine: string;
  /** How to install it. */
  readonly missing: string;
}

const FOLDER = fileURLToPath(new URL('./peers', import.meta.url));
const PYTHON = '/usr/bin/python3';
const ALL = ['bengio', 'mlp', 'product', 'gpt', 'cnn', 'rnn'];

/** The peers that are installed in `folder` and for `python`, and those that are not. */
export async function findPeers({ folder = FOLDER, python = PYTHON } = {}): Promise<(Peer | Missing)[]> {
  const script = (engine: string, name: string, file: string, models = ALL): Peer | Missing => {
    const path = join(folder, 'node_modules', name, 'package.json');
    if (!existsSync(path)) return { engine, missing: 'npm ci --prefix bench/peers installs it' };
    const { version } = JSON.parse(readFileSync(path, 'utf8'));
    return { engine, version, command: process.execPath, args: [join(folder, file)], models };
  };
  return [
    script('jax-js', '@jax-js/jax', 'jax.mjs'),
    script('tfjs', '@tensorflow/tfjs-backend-wasm', 'tfjs.mjs'),
    script('onnxruntime', 'onnxruntime-web', 'onnx.mjs', ['product']),
    await findTorch(folder, python),
  ];
}

async function findTorch(folder: string, python: string): Promise<Peer | Missing> {
  const engine = 'torch';
  const version = ['-c', 'import torch; print(torch.__version__)'];
  try {
    const { stdout } = await promisify(execFile)(python, version, { env: environment() });
    return {
      engine,
      version: stdout.trim(),
      command: python,
      args: [join(folder, 'torch_bench.py')],
      models: ALL,
    };
  } catch {
    return { engine, missing: 'on Debian, apt-get install python3-torch libopenblas0-pthread installs it' };
  }
}

/** A conversation with a program of bench/peers that runs PyTorch. Throws where that is not installed. */
export async function talkToTorch(file: string, threads: number): Promise<Conversation> {
  const torch = await findTorch(FOLDER, PYTHON);
  if ('missing' in torch) throw new Error(`there is no PyTorch: ${torch.missing}`);
  return new Conversation(torch.command, [join(FOLDER, file)], environment(threads));
}

/** So many threads; and no settings of OpenBLAS, which may keep it from the machine's best code. */
function environment(threads = 1): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(OPENBLAS|OMP|MKL)_/.test(name));
  const count = { OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}` };
  return { ...Object.fromEntries(kept), ...count, PYTHONDONTWRITEBYTECODE: '1' };
}

/** Steps that a peer must take with the losses of ours before it is measured, and how close. */
const CHECKED_STEPS = 5;
const TOLERANCE = 1e-4;

/** Starts a peer on a workload; throws if it cannot run it or computes something else. */
export async function enterPeer(peer: Peer, { config }: Workload): Promise<Entrant> {
  const { tensors, rate, values } = await referenceOf(config);
  const process = new Conversation(peer.command, peer.args, environment());
  let offset = 0;
  const places = tensors.map(({ name, shape, data }) => {
    const place = { name, shape, dtype: data instanceof Int32Array ? 'i32' : 'f32', offset };
    offset += data.byteLength;
    return place;
  });
  await process.begin(Buffer.concat(tensors.map(({ data }) => bytesOf(data))), async (file) => {
    await process.ask({ task: { config, file, tensors: places } });
    for (const [step, want] of values.entries()) {
      await process.ask({ steps: 1, lr: rate });
      const { value } = await process.ask({ value: true });
      if (!(Math.abs(value - want) <= TOLERANCE * Math.abs(want)))
        throw new Error(`step ${step + 1} has ${value} where ours has ${want}`);
    }
  });
  return {
    engine: peer.engine,
    threads: 1,
    compileMs: null,
    peakBytes: null,
    take: async (steps) => (await process.ask({ steps, lr: measuredRate(rate) })).ms,
    close: () => process.close(),
  };
}

export interface Tensors {
  name: string;
  shape: readonly number[];
  data: Float32Array | Int32Array;
}

interface Reference {
  tensors: Tensors[];
  rate: number;
  values: number[];
}

const references = new WeakMap<Workload['config'], Promise<Reference>>();

/** The reference is the same for all peers, and slow to make. */
function referenceOf(config: Workload['config']): Promise<Reference> {
  const known = references.get(config) ?? reference(config);
  references.set(config, known);
  return known;
}

/** Parameters and batch that a peer starts from, and what our tape makes of the first steps: losses, or the sum of squares. */
async function reference(config: Workload['config']): Promise<Reference> {
  if (config.model === 'product') {
    const { m, n, k } = config;
    const [a, b] = [uniform(m * k, 1, 1), uniform(k * n, 1, 2)];
    const tensors = [
      { name: 'a', shape: [m, k], data: a },
      { name: 'b', shape: [k, n], data: b },
    ];
    return { tensors, rate: 0, values: [squaresOfProduct(a, b, m, n, k)] };
  }
  if (isBare(config)) throw new Error(`${config.model} by itself has no peers`);
  const run = buildGolden(config);
  const { step, batch, learningRate: rate } = run;
  await using session = step.interpret();
  writeInitial(run, session);
  const { x, y } = batch(0);
  const types = step.program.entries.train;
  const shapes = new Map(types.inputs.map((node) => [node.attrs.name as string, node.shape]));
  const tensors = [
    ...parametersOf(run, session),
    { name: 'x', shape: shapes.get('x')!, data: x },
    { name: 'y', shape: shapes.get('y')!, data: y },
  ];
  const values = Array.from({ length: CHECKED_STEPS }, () => session.step({ lr: rate, batch: { x, y } }));
  return { tensors, rate, values };
}

/** The parameters by the names of the golden file; what is some columns of a matrix comes as a matrix of its own. */
export function parametersOf(run: GoldenRun, session: Session): Tensors[] {
  const shapes = new Map(run.step.program.variables.map(({ name, shape }) => [name, shape]));
  return Object.entries(run.names).flatMap(([name, place]) => {
    const [variable, columns] =
      typeof place === 'string' ? [place, null] : ([place.variable, place.columns] as const);
    const shape = shapes.get(variable);
    // There are names for what only some models of the kind have.
    if (!shape) return [];
    const data = Float32Array.from(part(run, name, session.read(variable)));
    return [{ name, shape: columns ? [shape[0], columns[1] - columns[0]] : shape, data }];
  });
}

function squaresOfProduct(a: Float32Array, b: Float32Array, m: number, n: number, k: number): number {
  let sum = 0;
  const row = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    row.fill(0);
    for (let p = 0; p < k; p++) for (let j = 0; j < n; j++) row[j] += a[i * k + p] * b[p * n + j];
    for (const c of row) sum += c * c;
  }
  return sum;
}

const bytesOf = (data: Float32Array | Int32Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
