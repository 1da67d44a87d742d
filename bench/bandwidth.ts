import { runAsc } from '../src/emit/asc.js';
import { readLibrary } from '../src/run/node.js';

// What one core reads and writes at most in WebAssembly, of a piece of memory of some size.

const TRIALS = 20;
const PAGE = 65536;
const PER_TURN = 64;

/** Bytes a second, read and written, of a loop that changes each number of so many bytes in its place. */
export async function bandwidth(bytes: number): Promise<number> {
  const pages = Math.ceil(bytes / PAGE) + 1;
  const wasm = await runAsc(SOURCE, await readLibrary(), { shared: false, relaxed: false, level: 3 });
  const memory = new WebAssembly.Memory({ initial: pages, maximum: PAGE });
  const { instance } = await WebAssembly.instantiate(wasm as BufferSource, { env: { memory } });
  const scale = instance.exports.scale as (at: number, end: number, factor: number) => void;
  const whole = Math.ceil(bytes / PER_TURN) * PER_TURN;
  let best = Number.POSITIVE_INFINITY;
  for (let trial = 0; trial < TRIALS; trial++) {
    const began = performance.now();
    scale(PAGE - PER_TURN, PAGE - PER_TURN + whole, 0.5);
    best = Math.min(best, performance.now() - began);
  }
  return (2 * whole) / (best / 1000);
}

const SOURCE = `
export function scale(at: usize, end: usize, factor: f32): void {
  const f = f32x4.splat(factor);
  while (at < end) {
    ${[0, 16, 32, 48].map((o) => `v128.store(at, f32x4.mul(v128.load(at, ${o}), f), ${o});`).join('\n    ')}
    at += ${PER_TURN};
  }
}
`;
