// In the place of src/emit/asc.ts: a model's worker has no compiler of its own. It gives the text to the page's, which
// runs none of the model's code, so what that one keeps can be poisoned by nobody.
import type { AscOptions, Library } from '../../engine.js';
import type { Assembly } from '../../protocol.js';
import { ask } from '../port.js';

/** What was assembled since this was last asked for. */
let assemblies: Assembly[] = [];

export function takeAssemblies(): Assembly[] {
  const taken = assemblies;
  assemblies = [];
  return taken;
}

export async function runAsc(
  source: string,
  _library: Library,
  { shared, relaxed, level }: AscOptions,
): Promise<Uint8Array> {
  const assembly = await ask('assemble', { source, shared, relaxed, level });
  assemblies.push(assembly);
  return assembly.wasm;
}

export async function disassemble(): Promise<string> {
  throw new Error('the playground shows no text of WebAssembly');
}
