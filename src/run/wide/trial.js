// A process of its own that tries a module with wide vectors: V8 may end it, or never come back. It reads a request
// (request.ts), writes a line now and then while it works, and last an answer as JSON. Plain JavaScript, so that it starts
// as it is from source and from a build.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { compileWide } from './compile.js';

/** Milliseconds after which a process that nobody waits for any more ends itself. */
const LIFE_MS = 300_000;
/** Steps whose bits are compared with each number of threads: fewer, but two, where they take longer than this. */
const STEPS = 8;
const STEPS_MS = 1500;
/** Milliseconds of warming up, of a sample, and of all of them. */
const WARM_MS = 400;
const SAMPLE_MS = 25;
const TOTAL_MS = 6000;
const ROUNDS = 11;
const LEAST_ROUNDS = 3;
/** Floats that vectors of another width might treat otherwise. */
const ODD = [
  0,
  -0,
  Number.NaN,
  1,
  -1,
  Number.POSITIVE_INFINITY,
  1e-40,
  -1e-40,
  Number.NEGATIVE_INFINITY,
  3e38,
];

const TRAIN_JOB = 1;

/** @typedef {import('./request.js').Request} Request */

/** A module with a memory of its own, in which everything stands that a session begins with. */
class Instance {
  at = 0;

  /**
   * @param {WebAssembly.Module} module
   * @param {Request} request
   * @param {readonly Uint8Array[]} contents what belongs at the addresses
   * @param {number} threads
   */
  constructor(module, request, contents, threads) {
    const { shared, scratch, control } = request;
    this.request = request;
    const pages = Math.ceil(request.memory / 65536);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    const bytes = new Uint8Array(memory.buffer);
    contents.forEach((content, i) => {
      bytes.set(content, request.blocks[i + 1].address);
    });
    this.buffer = memory.buffer;
    this.words = new Uint32Array(memory.buffer);
    this.floats = new Float32Array(memory.buffer);
    const nothing = () => {};
    const env = { memory, abort: nothing, late: nothing, mark: nothing, reached: nothing };
    const { exports } = new WebAssembly.Instance(module, { env });
    this.exports = /** @type {import('../module.js').Exports} */ (/** @type {unknown} */ (exports));
    this.exports.join(0, threads, scratch);
    const start = { module, memory, count: threads, scratch, lost: control.lost };
    const script = new URL('../node-worker.js', import.meta.url);
    this.started = Promise.all(
      Array.from({ length: threads - 1 }, (_, i) =>
        once(new Worker(script, { workerData: { ...start, index: i + 1 } }), 'message'),
      ),
    );
  }

  /**
   * Takes training steps; returns how many there were before a loss that is not finite.
   * @param {number} steps
   * @param {number} rate
   * @param {number} team
   */
  train(steps, rate, team) {
    const { control, rates } = this.request;
    this.floats.fill(rate, rates / 4, rates / 4 + steps);
    this.words[control.steps / 4] = steps;
    this.words[control.first / 4] = this.at;
    this.exports.run(TRAIN_JOB, team);
    const taken = this.words[control.taken / 4];
    this.at += taken;
    return taken;
  }

  /** @param {number} entry @param {number} times @param {number} team */
  call(entry, times, team) {
    const { control } = this.request;
    this.words[control.times / 4] = times;
    this.exports.run(TRAIN_JOB + 1 + entry, team);
    this.words[control.times / 4] = 1;
  }

  /** What the module is for, so many times: training, or its first entry. Returns how often it was done. @param {number} times */
  work(times) {
    // A rate of 0 keeps the parameters where they are, however long this goes on.
    if (this.request.trains) return this.train(Math.min(times, MOST_STEPS), 0, 1);
    this.call(0, times, 1);
    return times;
  }
}

/** What one job of training may have at most: the room for its rates (MAX_STEPS of plan/layout.ts). */
const MOST_STEPS = 4096;

/**
 * Where the memories of two instances differ: the name of a variable or output that lies there, or undefined.
 * @param {Instance} a
 * @param {Instance} b
 * @param {boolean} loosely NaN is NaN, and only places with names count
 */
function difference(a, b, loosely) {
  const { losses, end, places } = a.request;
  const bytes = (/** @type {Instance} */ { buffer }) => Buffer.from(buffer, losses, end - losses);
  if (!loosely && bytes(a).equals(bytes(b))) return undefined;
  for (const { name, address, bytes, f32 } of places) {
    for (let i = address / 4; i < (address + bytes) / 4; i++) {
      if (a.words[i] === b.words[i]) continue;
      if (loosely && f32 && Number.isNaN(a.floats[i]) && Number.isNaN(b.floats[i])) continue;
      return name;
    }
  }
  return loosely ? undefined : 'an intermediate value';
}

/**
 * Runs everything with the same inputs in both; returns where the bits differ, if they do.
 * @param {Instance} plain
 * @param {Instance} wide
 */
function compare(plain, wide) {
  const { request } = plain;
  for (const team of new Set([1, request.threads])) {
    if (request.trains) {
      const began = performance.now();
      for (let step = 0; step < STEPS; step++) {
        plain.train(1, request.rate, 1);
        wide.train(1, request.rate, team);
        alive();
        const differs = difference(plain, wide, false);
        if (differs) return differs;
        if (step > 0 && performance.now() - began > STEPS_MS) break;
      }
    }
    for (let entry = 0; entry < request.entries; entry++) {
      plain.call(entry, 1, 1);
      wide.call(entry, 1, team);
      alive();
      const differs = difference(plain, wide, false);
      if (differs) return differs;
    }
  }
  return undefined;
}

/**
 * The same with inputs that nobody wants, which are the last that the instances run.
 * @param {Instance} plain
 * @param {Instance} wide
 */
function compareOdd(plain, wide) {
  const { request } = plain;
  if (request.floats.length === 0) return undefined;
  for (const { floats } of [plain, wide])
    for (const { address, bytes } of request.floats)
      for (let i = 0; i < bytes / 4; i++) floats[address / 4 + i] = ODD[(i * 7 + (i >> 4)) % ODD.length];
  for (const instance of [plain, wide]) {
    if (request.trains) instance.train(1, request.rate, 1);
    for (let entry = 0; entry < request.entries; entry++) instance.call(entry, 1, 1);
  }
  return difference(plain, wide, true);
}

/**
 * How many times as fast the wide one is: the median over samples in turns.
 * @param {Instance} plain
 * @param {Instance} wide
 */
function speedup(plain, wide) {
  let times = 1;
  for (const began = performance.now(); ; ) {
    const took = sample(plain, times);
    sample(wide, times);
    alive();
    if (performance.now() - began > WARM_MS && took < 4 * SAMPLE_MS) break;
    if (performance.now() - began > TOTAL_MS / 2) break;
    times = Math.max(1, Math.min(MOST_STEPS, 8 * times, Math.round((times * SAMPLE_MS) / took)));
  }
  /** @type {number[]} */
  const ratios = [];
  const began = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    ratios.push(sample(plain, times) / sample(wide, times));
    alive();
    if (round + 1 >= LEAST_ROUNDS && performance.now() - began > TOTAL_MS) break;
  }
  return ratios.sort((a, b) => a - b)[ratios.length >> 1];
}

/** Milliseconds that so many steps take. @param {Instance} instance @param {number} times */
function sample(instance, times) {
  const began = clock();
  const done = instance.work(times);
  return ((clock() - began) * times) / Math.max(1, done);
}

/** Milliseconds of work: on a busy machine others take the time between. Windows counts these too coarsely. */
function clock() {
  if (process.platform === 'win32') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Tells who waits that this goes on. */
function alive() {
  process.stdout.write('\n');
}

/** @returns {Promise<{ request: Request, blocks: Uint8Array[] }>} */
async function read() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  let at = 4 + bytes.readUInt32LE(0);
  const request = JSON.parse(bytes.toString('utf8', 4, at));
  const blocks = request.blocks.map((/** @type {{ bytes: number }} */ { bytes: length }) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
  return { request, blocks };
}

/**
 * @param {Instance} plain
 * @param {Instance} wide
 */
function judged(plain, wide) {
  const differs = compare(plain, wide);
  if (differs) return { differs };
  const ratio = speedup(plain, wide);
  const odd = compareOdd(plain, wide);
  return odd ? { differs: odd } : { ratio };
}

new Worker(`setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${LIFE_MS})`, { eval: true }).unref();
const { request, blocks } = await read();
const [wasm, ...contents] = blocks;
const rival = request.rival ? contents.pop() : undefined;
const plain = new Instance(new WebAssembly.Module(/** @type {BufferSource} */ (wasm)), request, contents, 1);
alive();
const wide = new Instance(compileWide(rival ?? wasm), request, contents, request.threads);
await wide.started;
alive();
let answer;
try {
  answer = judged(plain, wide);
} catch (error) {
  if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  answer = { trap: error.message };
}
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit());
