import { UnsupportedError } from '../errors.js';
import { detectFeatures, type Features } from '../run/features.js';
import type { Manifest, ModuleFile } from './manifest.js';

export { detectFeatures, type Features };

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
