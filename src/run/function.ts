import { type CompiledModule, type CompileOptions, compileProgram } from '../emit/compile.js';
import { DataError } from '../errors.js';
import { type Graph, inputAttrs } from '../graph/graph.js';
import { numel } from '../shape.js';
import { CompiledEngine } from './engine.js';

export interface CompileFunctionOptions
  extends Pick<CompileOptions, 'relaxed' | 'without' | 'splitFrom' | 'poison'> {
  /** Threads that share the work; the result is the same for any number. */
  threads?: number;
}

/** A traced function that runs as WebAssembly. */
export class CompiledFunction {
  constructor(
    readonly module: CompiledModule,
    private readonly graph: Graph,
    private readonly engine: CompiledEngine,
  ) {}

  /** Computes the outputs for these inputs; all are row-major. */
  call(inputs: Record<string, ArrayLike<number>>): Record<string, Float32Array | Float64Array | Int32Array> {
    for (const { name, shape } of this.graph.inputs.map(inputAttrs)) {
      if (inputs[name]?.length !== numel(shape)) {
        throw new DataError(
          `${name}: expected ${numel(shape)} elements for [${shape}], got ${inputs[name]?.length ?? 'none'}`,
        );
      }
    }
    return this.engine.invoke('call', inputs);
  }

  /** Ends its threads. */
  async close(): Promise<void> {
    await this.engine.close();
  }
}

/** Compiles a graph that `trace` made from a function of tensors. */
export async function compileFunction(
  graph: Graph,
  options: CompileFunctionOptions = {},
): Promise<CompiledFunction> {
  const { readLibrary, fileCache, spawnWorker } = await import('./node.js');
  const { threads = 1, ...rest } = options;
  const input = { name: graph.name, variables: [], entries: { call: graph } };
  const module = await compileProgram(input, { ...rest, library: await readLibrary(), cache: fileCache() });
  const { wasm, plan } = module;
  const engine = await CompiledEngine.start({
    wasm,
    plan,
    shared: module.options.shared,
    threads,
    seed: 0,
    initial: new Map(),
    spawn: spawnWorker,
  });
  return new CompiledFunction(module, graph, engine);
}
