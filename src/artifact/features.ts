import { UnsupportedError } from '../errors.js';
import type { Manifest, ModuleFile } from './manifest.js';

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

/** The module to run with so many threads: the first that needs nothing that is missing. */
export function chooseModule(
  { modules }: Pick<Manifest, 'modules'>,
  threads: number,
  features: Features = detectFeatures(),
): ModuleFile {
  if (!features.simd) {
    throw new UnsupportedError(
      'this engine has no WebAssembly SIMD: use Chrome 91, Firefox 89, Safari 16.4, Node 16.4 or later, and leave it switched on',
    );
  }
  // One thread needs no shared memory, of which some engines give less.
  const fits = modules.filter((m) => (features.relaxed || !m.relaxed) && m.threads === threads > 1);
  const module = fits[0] ?? modules.find((m) => (features.relaxed || !m.relaxed) && threads === 1);
  if (module) return module;
  throw new UnsupportedError(
    `this model was compiled for ${threads > 1 ? 'one thread: compile it with --threads' : 'relaxed SIMD alone'}`,
  );
}
