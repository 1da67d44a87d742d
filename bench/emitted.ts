import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CompilerInput, compileProgram } from '../src/emit/compile.js';
import { type Graph, inputAttrs } from '../src/graph/graph.js';
import { readLibrary } from '../src/run/node.js';
import { programOf } from '../test/property/fuzz.js';
import { traceProgram } from '../test/property/program.js';
import { bareGraph } from './bare.js';
import { buildGolden } from './golden/model.js';
import { isBare, WORKLOADS } from './workloads.js';

// Writes what the compiler emits for every workload and for many random programs into a folder, a file each. Of two
// versions of the compiler `diff -r` then tells whether a change that should change no code has changed some. `apart`: every kernel has a
// function of its own.

const [folder, count = '200', apart] = process.argv.slice(2);
if (!folder) {
  console.error('usage: tsx bench/emitted.ts FOLDER [PROGRAMS] [apart]');
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const library = await readLibrary();

/** The text of a program, without asc. */
async function emitted(input: CompilerInput, poison = false): Promise<string> {
  const shareKernels = apart === undefined;
  const asc = async () => new Uint8Array();
  const module = await compileProgram(input, { library, poison, shareKernels, asc });
  // The lines of this file, where it makes a program, are not the program's.
  return module.source.text.replace(/\(?(model\.ts:\d+, )?emitted\.ts:\d+\)/g, '');
}

function programOfGraph(graph: Graph): CompilerInput {
  const inputs = graph.inputs.map(inputAttrs);
  return { name: graph.name, variables: inputs.filter((i) => i.role !== 'input'), entries: { call: graph } };
}

const hash = createHash('sha256');
async function keep(name: string, text: string) {
  hash.update(text);
  await writeFile(join(folder, `${name}.ts`), text);
}

for (const { name, config } of WORKLOADS) {
  if (isBare(config)) await keep(name, await emitted(programOfGraph(bareGraph(config))));
  else await keep(name, await emitted(buildGolden(config).step.program));
}
for (let seed = 0; seed < Number(count); seed++) {
  const input = programOfGraph(traceProgram(programOf(seed)));
  await keep(`program-${seed}`, await emitted(input, seed % 4 === 1));
}
console.log(
  `${WORKLOADS.length + Number(count)} modules in ${folder}, sha256 ${hash.digest('hex').slice(0, 16)}`,
);
