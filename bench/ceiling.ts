import { type Contestant, warmUp } from '../src/cli/rounds.js';
import { runAsc } from '../src/emit/asc.js';
import { readLibrary } from '../src/run/node.js';

// What one core can do at most in WebAssembly: multiply-adds on registers, in chains that do not wait for each other.

/**
 * Too few chains leave the units waiting, too many do not fit the registers, and how often the loop is unrolled
 * matters more than it should: what is best depends on the machine and is found by trying.
 */
const LOOPS = [8, 10, 11, 12, 14].flatMap((chains) => [1, 2, 3].map((unroll) => ({ chains, unroll })));
const LANES = 4;
/** Length and number of the trials of each loop, the best of which counts. */
const TRIAL_MS = 4;
const TRIALS = 6;
/** Turns of the loop in one step of the contestant. */
const TURNS = 1000;

export interface Ceiling extends Contestant {
  readonly flopsPerStep: number;
}

/** The fastest of the loops; null where the engine has no relaxed SIMD. */
export async function makeCeiling(relaxed: boolean): Promise<Ceiling | null> {
  const wasm = await runAsc(source(relaxed), await readLibrary(), { shared: false, relaxed, level: 3 });
  if (!WebAssembly.validate(wasm as BufferSource)) return null;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { instance } = await WebAssembly.instantiate(wasm as BufferSource, { env: { memory } });
  let best: { ceiling: Ceiling; flops: number } | null = null;
  for (const { chains, unroll } of LOOPS) {
    const run = instance.exports[nameOf(chains, unroll)] as (turns: number, x: number, y: number) => number;
    const ceiling: Ceiling = {
      flopsPerStep: TURNS * unroll * chains * LANES * 2,
      async take(steps) {
        const began = performance.now();
        const sum = run(steps * TURNS, 0.5, 1);
        const took = performance.now() - began;
        if (!Number.isFinite(sum)) throw new Error(`the loop of the ceiling came to ${sum}`);
        return took;
      },
    };
    for (let trial = 0; trial < TRIALS; trial++) {
      const flops = ceiling.flopsPerStep * (await warmUp(ceiling, TRIAL_MS));
      if (!best || flops > best.flops) best = { ceiling, flops };
    }
  }
  return best!.ceiling;
}

const nameOf = (chains: number, unroll: number): string => `chains${chains}times${unroll}`;

/**
 * Each chain is what the machine does in one instruction or two without moving registers: a fused multiply-add
 * overwrites its addend, a product its factor. Chains start apart, so that no two can be merged, and stay finite.
 */
function source(relaxed: boolean): string {
  const turn = (a: string) => `${a} = ${relaxed ? `multiplyAdd(x, y, ${a})` : `multiplyAdd(${a}, x, y)`};`;
  const loops = LOOPS.map(({ chains, unroll }) => {
    const names = Array.from({ length: chains }, (_, i) => `a${i}`);
    const body = Array.from({ length: unroll }, () => names.map(turn)).flat();
    const sum = names.reduce((all, a) => `f32x4.add(${all}, ${a})`);
    return `
export function ${nameOf(chains, unroll)}(turns: i32, factor: f32, other: f32): f32 {
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
