import { GradError } from '../errors.js';
import { MAX_MEMORY, STATIC_BASE } from '../plan/layout.js';

export interface AscOptions {
  /** Import a shared memory, which threads need. */
  readonly shared: boolean;
  /** Use the machine's fused multiply-add where the engine offers it; results then differ between machines. */
  readonly relaxed: boolean;
  /** How hard asc and Binaryen try, up to 3, which is the default: less compiles faster and runs slower. */
  readonly level: number;
}

/** Files of assembly/ by name, such as `math.ts`. */
export type Library = Readonly<Record<string, string>>;

/** Compiles AssemblyScript in this process: loading the compiler takes about a second, each module less. */
export async function runAsc(
  source: string,
  library: Library,
  { shared, relaxed, level }: AscOptions,
): Promise<Uint8Array> {
  const { default: asc } = await import('assemblyscript/asc');
  const files: Record<string, string> = { ...library, 'kernels.ts': source };
  if (relaxed) files['madd.ts'] = library['madd-relaxed.ts'];
  const outputs = new Map<string, Uint8Array>();
  const flags = [
    ['--outFile', 'kernels.wasm', `-O${level}`, '--runtime', 'stub'],
    ['--noAssert', '--uncheckedBehavior', 'always'],
    [
      '--memoryBase',
      String(STATIC_BASE),
      '--importMemory',
      '--initialMemory',
      '1',
      '--maximumMemory',
      String(MAX_MEMORY / 65536),
    ],
    ['--enable', 'simd', '--enable', 'threads', '--enable', 'bulk-memory'],
    relaxed ? ['--enable', 'relaxed-simd'] : [],
    shared ? ['--sharedMemory'] : [],
  ].flat();
  const { error, stderr } = await asc.main(['kernels.ts', ...flags], {
    readFile: (name) => files[name.replace(/^\.\//, '')] ?? null,
    writeFile: (name, contents) => {
      outputs.set(name, typeof contents === 'string' ? new TextEncoder().encode(contents) : contents);
    },
    listFiles: () => [],
  });
  const wasm = outputs.get('kernels.wasm');
  if (error || !wasm) {
    throw new GradError(
      `the emitted AssemblyScript does not compile; please report this:\n${stderr.toString() || error}`,
    );
  }
  return wasm;
}

/** The text form of a module. */
export async function disassemble(wasm: Uint8Array): Promise<string> {
  const { default: binaryen } = await import('binaryen');
  const module = binaryen.readBinary(wasm);
  try {
    module.setFeatures(binaryen.Features.All);
    return module.emitText();
  } finally {
    module.dispose();
  }
}
