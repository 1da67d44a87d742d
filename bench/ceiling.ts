import { runAsc } from '../src/emit/asc.js';
import { readLibrary } from '../src/run/node.js';
import { type Contestant, warmUp } from './rounds.js';

// What one core can do at most in WebAssembly: multiply-adds on registers, in chains that do not wait for each other.

/** How many chains keep the units busy depends on the machine; 16 vector registers hold 14 and two operands. */
const CHAINS = [8, 10, 12, 14];
const UNROLL = 4;
const LANES = 4;
/** Turns of the loop in one step of the contestant. */
const TURNS = 1000;

export interface Ceiling extends Contestant {
  readonly flopsPerStep: number;
  readonly chains: number;
}

/** The fastest of the loops; null where the engine has no relaxed SIMD. */
export async function makeCeiling(relaxed: boolean, sampleMs: number): Promise<Ceiling | null> {
  const wasm = await runAsc(source(relaxed), await readLibrary(), { shared: false, relaxed, level: 3 });
  if (!WebAssembly.validate(wasm as BufferSource)) return null;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { instance } = await WebAssembly.instantiate(wasm as BufferSource, { env: { memory } });
  let best: { ceiling: Ceiling; gflops: number } | null = null;
  for (const chains of CHAINS) {
    const run = instance.exports[`chains${chains}`] as (turns: number, x: number, y: number) => number;
    const ceiling: Ceiling = {
      chains,
      flopsPerStep: TURNS * UNROLL * chains * LANES * 2,
      async take(steps) {
        const began = performance.now();
        const sum = run(steps * TURNS, 0.5, 1);
        const took = performance.now() - began;
        if (!Number.isFinite(sum)) throw new Error(`the loop of the ceiling came to ${sum}`);
        return took;
      },
    };
    await warmUp(ceiling, sampleMs);
    const gflops = (ceiling.flopsPerStep * (await warmUp(ceiling, sampleMs))) / 1e9;
    if (!best || gflops > best.gflops) best = { ceiling, gflops };
  }
  return best!.ceiling;
}

/**
 * Each chain is what the machine does in one instruction or two without moving registers: a fused multiply-add
 * overwrites its addend, a product its factor. Chains start apart, so that no two can be merged, and stay finite.
 */
function source(relaxed: boolean): string {
  const turn = (a: string) => `${a} = ${relaxed ? `multiplyAdd(x, y, ${a})` : `multiplyAdd(${a}, x, y)`};`;
  const loops = CHAINS.map((count) => {
    const names = Array.from({ length: count }, (_, i) => `a${i}`);
    const body = Array.from({ length: UNROLL }, () => names.map(turn)).flat();
    const sum = names.reduce((all, a) => `f32x4.add(${all}, ${a})`);
    return `
export function chains${count}(turns: i32, factor: f32, other: f32): f32 {
  const x = f32x4.splat(factor);
  const y = f32x4.splat(other);
  ${names.map((a, i) => `let ${a} = f32x4.splat(factor + ${i});`).join('\n  ')}
  for (let i = 0; i < turns; i++) {
    ${body.join('\n    ')}
  }
  return f32x4.extract_lane(${sum}, 0);
}`;
  });
  return `import { multiplyAdd } from './madd';\n${loops.join('\n')}\n`;
}
