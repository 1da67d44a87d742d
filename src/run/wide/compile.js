// Plain JavaScript, so that a session and the process that tries a module compile it in the same way, from source and
// from a build.
import { setFlagsFromString } from 'node:v8';

/** V8's option that joins neighbouring vectors of 128 bits to such of 256, which x64 has as AVX2. */
export const FLAG = 'experimental-wasm-revectorize';

/**
 * V8 joins vectors when it optimises a function, which it does late, one function at a time, and for whatever module it
 * happens to be. With these all functions of a module are optimised before it is there, so that the option can be taken
 * back at once, and holds for no other module. Inlining wants to know how often functions are called, which nobody has
 * counted then: V8 14 would end the process.
 */
const AT_ONCE = ['no-wasm-lazy-compilation', 'no-liftoff', 'no-wasm-inlining', FLAG];
const AS_BEFORE = ['wasm-lazy-compilation', 'liftoff', 'wasm-inlining', `no-${FLAG}`];

/** A section of our own, 'wide': V8 keeps the code of equal modules once, and this must not be that of the plain one. */
const MARK = [0, 5, 4, ...new TextEncoder().encode('wide')];

/**
 * A module whose functions use wide vectors. Blocks until all are compiled. What other threads have V8 optimise
 * meanwhile has its vectors joined, too.
 * @param {Uint8Array} wasm
 * @returns {WebAssembly.Module}
 */
export function compileWide(wasm) {
  const bytes = new Uint8Array(wasm.length + MARK.length);
  bytes.set(wasm);
  bytes.set(MARK, wasm.length);
  set(AT_ONCE);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    set(process.execArgv.includes(`--${FLAG}`) ? AS_BEFORE.slice(0, -1) : AS_BEFORE);
  }
}

/** @param {readonly string[]} flags */
function set(flags) {
  for (const flag of flags) setFlagsFromString(`--${flag}`);
}
