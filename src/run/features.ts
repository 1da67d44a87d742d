import { UnsupportedError } from '../errors.js';

// What the engine can run is found out by having it validate the smallest modules that need the feature. Each is
// the header, one function type, one function of that type, and its code (WebAssembly core specification, 5.5).

const V128 = 0x7b;
const END = 0x0b;
const I32_CONST_0 = [0x41, 0x00];
const SIMD = 0xfd;
/** The four lanes 0: i32.const 0, i32x4.splat. */
const ZEROS = [...I32_CONST_0, SIMD, 0x11];
/** f32x4.relaxed_madd is 0x105, in LEB128. */
const RELAXED_MADD = [SIMD, 0x85, 0x02];

const header = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const section = (id: number, content: number[]) => [id, content.length, ...content];

/** Whether the engine knows a function without arguments that returns a vector and has this body. */
function knows(...body: number[]): boolean {
  const code = [0, ...body, END];
  const bytes = [
    ...header,
    ...section(1, [1, 0x60, 0, 1, V128]),
    ...section(3, [1, 0]),
    ...section(10, [1, code.length, ...code]),
  ];
  return WebAssembly.validate(Uint8Array.from(bytes));
}

export interface Features {
  readonly simd: boolean;
  readonly relaxed: boolean;
}

/** What this engine has. Whether threads can share a memory is not a matter of the engine, but of the page. */
export function detectFeatures(): Features {
  return { simd: knows(...ZEROS), relaxed: knows(...ZEROS, ...ZEROS, ...ZEROS, ...RELAXED_MADD) };
}

/** Refuses relaxed SIMD where the engine does not have it. */
export function requireRelaxed(): void {
  if (detectFeatures().relaxed) return;
  throw new UnsupportedError(
    'relaxed: this engine has no relaxed SIMD. Leave the option out, or use Node 21 or later, Node 20 with --experimental-wasm-relaxed-simd, or Chrome 114 or later',
  );
}
