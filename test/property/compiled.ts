import fc from 'fast-check';
import { compileProgram } from '../../src/emit/compile.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { printGraph } from '../../src/graph/print.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { type RandomGraph, randomGraph } from '../graph/random.js';

/** Many graphs make one module, since loading a compiler costs more than compiling. */
const IN_A_MODULE = 25;

/** Random graphs, compiled and run with some threads, whose results differ from the reference in float64. */
export async function wrongGraphs(options: {
  count: number;
  seed: number;
  threads: number;
  without?: readonly string[];
  report?(done: number): void;
}): Promise<string[]> {
  const { count, seed, threads, without, report } = options;
  const wrong: string[] = [];
  for (let done = 0; done < count; done += IN_A_MODULE) {
    const numRuns = Math.min(IN_A_MODULE, count - done);
    const samples = fc.sample(randomGraph(), { numRuns, seed: seed + done });
    wrong.push(...(await compare(samples, threads, without)));
    report?.(done + numRuns);
  }
  return wrong;
}

async function compare(
  samples: readonly RandomGraph[],
  threads: number,
  without?: readonly string[],
): Promise<string[]> {
  const library = await readLibrary();
  const entries = Object.fromEntries(samples.map(({ graph }, i) => [`graph${i}`, graph]));
  const variables = [{ name: 'w', shape: [4, 3], dtype: 'f32' as const }];
  // Every kernel that can be split is split, so that barriers are put to the test.
  const module = await compileProgram(
    { name: 'random', variables, entries },
    { library, without, splitFrom: 0 },
  );
  const engine = await CompiledEngine.start({
    ...{ wasm: module.wasm, plan: module.plan, shared: true, threads, seed: 0 },
    initial: new Map(),
    spawn: spawnWorker,
  });
  const wrong: string[] = [];
  for (const [i, sample] of samples.entries()) {
    engine.write('w', Float32Array.from(sample.variables.w));
    const outputs = engine.invoke(`graph${i}`, sample.inputs);
    const got = { ...outputs, w: engine.read('w') };
    const reference = evaluateGraph(sample.graph, sample.inputs, sample.variables, 'float64');
    const want = { ...reference.outputs, ...reference.updates };
    const size = Math.max(
      1,
      ...Object.values(want).flatMap(({ data }) => Array.from(data, Math.abs).filter(Number.isFinite)),
    );
    for (const [name, { data }] of Object.entries(want)) {
      const off = Array.from(data).findIndex((x, k) => !agrees(got[name as 'w'][k], x, 1e-6 * size));
      if (off >= 0) {
        wrong.push(
          `${name}[${off}]: ${got[name as 'w'][off]}, not ${data[off]}, in\n${printGraph(sample.graph)}`,
        );
        break;
      }
    }
  }
  await engine.close();
  return wrong;
}

function agrees(got: number, want: number, tolerance: number): boolean {
  return Object.is(got, want) || got === want || Math.abs(got - want) <= tolerance;
}
