/**
 * Accuracy and speed of assembly/math.ts and power.ts: every float32 input against a float64 reference.
 *
 *   npx tsx bench/ulp.ts [--only exp,tanh] [--stride N]
 *
 * A power is measured as functions of one operand, with a number as the other: x^2.5, 3^x.
 * An error of 1 ulp is the distance of neighbouring float32 values at the exact result (2^-149 among
 * denormals), so a correctly rounded function shows at most 0.5.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ASSEMBLY = fileURLToPath(new URL('../assembly', import.meta.url));

/**
 * erf in float64, relative error about 1e-15.
 * Below 3 the series 2x/sqrt(pi) exp(-x^2) sum (2x^2)^n / (2n+1)!! (Abramowitz and Stegun 7.1.6, all terms
 * positive); above, 1 - erfc with Laplace's continued fraction (7.1.14), where erfc < 3e-5 forgives its error.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  if (a < 3) {
    let term = 1;
    let sum = 1;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return ((2 * x) / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
  }
  let fraction = a;
  for (let n = 50; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}

/** A function of one operand in float64, and as an expression of assembly/. */
interface MathFunction {
  reference(x: number): number;
  emit(x: string): string;
}

/** Exponents and bases from the harmless to those where few digits of a logarithm are left. */
const EXPONENTS = [1 / 3, 2.5, 0.01, -7, 33.3, 1e4, -3e6].map(Math.fround);
const BASES = [0.1, 0.999, 1.00001, 3, 1e30, 1e-40, -2].map(Math.fround);

const short = (x: number) => String(Number(x.toPrecision(6)));
const powers: Record<string, MathFunction> = Object.fromEntries([
  ...EXPONENTS.map((y) => [
    `x^${short(y)}`,
    { reference: (x: number) => x ** y, emit: (x: string) => `pow4(${x}, f32x4.splat(${y}))` },
  ]),
  ...BASES.map((b) => [
    `${short(b)}^x`,
    { reference: (x: number) => b ** x, emit: (x: string) => `pow4(f32x4.splat(${b}), ${x})` },
  ]),
]);

/** The float64 truth for each function of assembly/. V8's Math is fdlibm: under 1 ulp of float64. */
const UNARY: Record<string, (x: number) => number> = {
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  erf,
  sin: Math.sin,
  cos: Math.cos,
  rsqrt: (x) => 1 / Math.sqrt(x),
  log1p: Math.log1p,
  expm1: Math.expm1,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};

export const FUNCTIONS: Readonly<Record<string, MathFunction>> = {
  ...Object.fromEntries(
    Object.entries(UNARY).map(([name, reference]) => [name, { reference, emit: (x) => `${name}4(${x})` }]),
  ),
  ...powers,
};

/** `length` floats at byte offset `from` mapped into `to` by one of FUNCTIONS. */
export interface MathModule {
  memory: WebAssembly.Memory;
  run(name: string, from: number, to: number, length: number): void;
}

/** Compiles `source` (which may import './math', './random') in process and instantiates it. */
export async function instantiate(
  source: string,
  memory: WebAssembly.Memory,
): Promise<Record<string, (...args: number[]) => number>> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      ...['wrapper.ts', '-o', 'wrapper.wasm', '-O3', '--runtime', 'stub', '--noAssert'],
      ...['--uncheckedBehavior', 'always', '--enable', 'simd', '--importMemory'],
    ],
    {
      readFile: (name) => {
        if (name === 'wrapper.ts') return source;
        const path = join(ASSEMBLY, basename(name));
        return existsSync(path) ? readFileSync(path, 'utf8') : null;
      },
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`asc failed: ${error?.message}\n${stderr.toString()}`);
  const { instance } = await WebAssembly.instantiate(binary as BufferSource, {
    env: { memory, abort: () => undefined },
  });
  return instance.exports as Record<string, (...args: number[]) => number>;
}

/** Wraps each of FUNCTIONS that is named into a loop over memory. */
export async function compileMath(names: string[], pages = 160): Promise<MathModule> {
  const loops = names.map(
    (name, i) => `
export function map${i}(from: usize, to: usize, length: usize): void {
  const end = from + (length << 2);
  for (; from < end; from += 16, to += 16) v128.store(to, ${FUNCTIONS[name].emit('v128.load(from)')});
}`,
  );
  const unary = Object.keys(UNARY).map((name) => `${name}4`);
  const source = [
    `import { ${unary.join(', ')} } from './math';`,
    "import { pow4 } from './power';",
    ...loops,
  ].join('\n');
  const memory = new WebAssembly.Memory({ initial: pages });
  const exports = await instantiate(source, memory);
  return {
    memory,
    run: (name, from, to, length) => void exports[`map${names.indexOf(name)}`](from, to, length),
  };
}

const f64 = new Float64Array(1);
const u32 = new Uint32Array(f64.buffer);

/** Distance of float32 `got` from the exact `want`, in ulp of float32 at `want`. */
export function ulpError(got: number, want: number): number {
  if (got === want) return 0;
  if (got !== got || want !== want) return got !== got && want !== want ? 0 : Number.POSITIVE_INFINITY;
  // Infinity stands for 2^128, the value that follows the largest float32; beyond it only infinity is right.
  const top = 2 ** 128;
  const g = Math.max(-top, Math.min(top, got));
  const w = Math.max(-top, Math.min(top, want));
  f64[0] = w;
  const exponent = Math.min(127, Math.max(-126, ((u32[1] >>> 20) & 0x7ff) - 1023));
  return Math.abs(g - w) * POWERS[127 + exponent];
}
/** 2^(23 - e) for e = -127..127, the reciprocal ulp. */
const POWERS = Float64Array.from({ length: 255 }, (_, i) => 2 ** (23 - (i - 127)));

export interface Accuracy {
  max: number;
  at: number;
  mean: number;
}

/** Errors of `name` over the float32 bit patterns 0, stride, 2 stride, ... */
export function measure(
  math: MathModule,
  name: string,
  stride: number,
  progress?: (part: number) => void,
): Accuracy {
  const BLOCK = 1 << 20;
  const FROM = 65536;
  const bits = new Uint32Array(math.memory.buffer, FROM, BLOCK);
  const inputs = new Float32Array(math.memory.buffer, FROM, BLOCK);
  const outputs = new Float32Array(math.memory.buffer, FROM + 4 * BLOCK, BLOCK);
  const total = Math.ceil(2 ** 32 / stride);
  const worst: Accuracy = { max: 0, at: Number.NaN, mean: 0 };
  for (let start = 0; start < total; start += BLOCK) {
    for (let i = 0; i < BLOCK; i++) bits[i] = (start + i) * stride;
    math.run(name, FROM, FROM + 4 * BLOCK, BLOCK);
    compareBlock(FUNCTIONS[name].reference, inputs, outputs, Math.min(BLOCK, total - start), worst);
    progress?.(Math.min(1, (start + BLOCK) / total));
  }
  worst.mean /= total;
  return worst;
}

/** Adds one block to `worst`, whose mean is still a sum. */
function compareBlock(
  reference: (x: number) => number,
  inputs: Float32Array,
  outputs: Float32Array,
  length: number,
  worst: Accuracy,
): void {
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const error = ulpError(outputs[i], reference(inputs[i]));
    sum += error;
    if (error > worst.max) {
      worst.max = error;
      worst.at = inputs[i];
    }
  }
  worst.mean += sum;
}

/** Best time for four lanes, in ns, inputs in the range where the function does its full work. */
export function time(math: MathModule, name: string): number {
  const length = 4096;
  const inputs = new Float32Array(math.memory.buffer, 65536, length);
  const low = FUNCTIONS[name].reference(-5) === FUNCTIONS[name].reference(-5) ? -5 : 0.001;
  inputs.forEach((_, i) => {
    inputs[i] = low + ((5 - low) * i) / length;
  });
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 400; round++) {
    const start = performance.now();
    for (let i = 0; i < 20; i++) math.run(name, 65536, 65536 + 4 * length, length);
    best = Math.min(best, performance.now() - start);
  }
  return (best * 1e6) / (20 * (length / 4));
}

async function main(args: string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const names = option('--only')?.split(',') ?? Object.keys(FUNCTIONS);
  const stride = Number(option('--stride') ?? 1);
  const unknown = names.filter((name) => !(name in FUNCTIONS));
  if (unknown.length > 0)
    throw new Error(
      `--only: no function named ${unknown.join(', ')}; there is ${Object.keys(FUNCTIONS).join(', ')}`,
    );
  if (!Number.isInteger(stride) || stride < 1)
    throw new Error(`--stride: a positive whole number, not ${option('--stride')}`);
  const math = await compileMath(names);
  console.log(`function  max ulp   at input              mean ulp  ns / 4 lanes   (stride ${stride})`);
  for (const name of names) {
    const nanoseconds = time(math, name);
    const { max, at, mean } = measure(math, name, stride, (part) =>
      process.stderr.write(`\r${name} ${(part * 100).toFixed(1)} %  `),
    );
    process.stderr.write('\r                    \r');
    const cells = [
      name.padEnd(9),
      max.toFixed(4).padEnd(9),
      String(at).padEnd(21),
      mean.toFixed(4).padEnd(9),
    ];
    console.log(cells.join(' '), nanoseconds.toFixed(2));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
