import { checkManifest, digestOf, formatOf, type Manifest, type ModuleFile } from '../artifact/manifest.js';
import { encodeSafetensors, storedTensor, type Tensors } from '../data/safetensors.js';
import { sha256 } from '../digest.js';
import type { Library } from '../emit/asc.js';
import { type Cache, type CompiledModule, type CompileProgress, compileProgram } from '../emit/compile.js';
import { OptionError } from '../errors.js';
import { inputAttrs } from '../graph/graph.js';
import { isInJson } from '../number-text.js';
import type { Buffer, MemoryLayout } from '../plan/layout.js';
import { checkSeed } from '../random/seed.js';
import type { AnyTrainStep } from '../run/train-step.js';
import { METHODS, type ProgramDescription, type VariableDescription } from '../train/description.js';
import { initialValues } from '../train/initial.js';
import type { Program } from '../train/program.js';
import { declarations } from './declarations.js';
import { runtimeText } from './runtime.js';
import { checkWeights } from './weights.js';

export interface AheadOptions {
  library: Library;
  cache?: Cache | undefined;
  /** Told of the steps of each compilation. */
  progress?(now: CompileProgress | null): void;
  /** The runtime: what becomes model.js. */
  runtime: string;
  /** Name and version of this package. */
  generator: string;
  /** Which entry points the module has; by default all that the step has. */
  entries?: readonly string[] | undefined;
  /** Also a module that several threads can run. */
  threads?: boolean | undefined;
  /** Also a module with relaxed SIMD. */
  relaxed?: boolean | undefined;
  /** Bytes that a session may take before its dataset; values are made again rather than kept where it needs more. */
  memory?: number | undefined;
  /** Of the initial weights that are written, and the default of the sessions. */
  seed?: number | undefined;
  /** Write weights: the initial ones, or a checkpoint's. */
  weights?: 'initial' | Uint8Array | undefined;
}

/** A compiled model: everything that is written into a folder, and how it came about. */
export interface Artifact {
  readonly files: ReadonlyMap<string, Uint8Array | string>;
  readonly manifest: Manifest;
  /** As `manifest.modules`. */
  readonly modules: readonly CompiledModule[];
  /** What the user should know, in sentences. */
  readonly notes: readonly string[];
}

export const MANIFEST = 'model.json';
export const RUNTIME = 'model.js';
export const TYPES = 'model.d.ts';
export const WEIGHTS = 'weights.safetensors';
export const PACKAGE = 'package.json';

/** Tells Node that model.js is an ES module, whatever project the folder lies in. */
export const PACKAGE_TEXT = `${JSON.stringify({ private: true, type: 'module', main: `./${RUNTIME}`, types: `./${TYPES}` })}\n`;

/** Compiles a training step so that it runs without this package. The same step and options give the same bytes. */
export async function compileAhead(step: AnyTrainStep, options: AheadOptions): Promise<Artifact> {
  const { seed = 42, threads = false, relaxed = false } = options;
  checkSeed(seed);
  const program = only(step.program, options.entries);
  const description = describeOnly(step.description, program);
  const variants = [
    ...(threads && relaxed ? [{ threads: true, relaxed: true }] : []),
    ...(relaxed ? [{ threads: false, relaxed: true }] : []),
    ...(threads ? [{ threads: true, relaxed: false }] : []),
    { threads: false, relaxed: false },
  ];
  const modules: CompiledModule[] = [];
  const files = new Map<string, Uint8Array | string>();
  const described: ModuleFile[] = [];
  for (const variant of variants) {
    const module = await compileProgram(program, {
      library: options.library,
      cache: options.cache,
      progress: options.progress,
      shared: variant.threads,
      relaxed: variant.relaxed,
      memory: options.memory,
      // No kernel of a single thread is worth sharing.
      threadShare: variant.threads ? undefined : Number.POSITIVE_INFINITY,
    });
    const file = fileOf(variant, variants.length);
    modules.push(module);
    files.set(file, module.wasm);
    described.push({ file, ...variant, bytes: module.wasm.length, sha256: await sha256(module.wasm) });
  }
  const notes: string[] = [];
  const weights = await weightsOf(step.program, description, { ...options, seed }, notes);
  if (weights) files.set(WEIGHTS, weights);
  const placed = layout(description, modules[0].layout);
  const metrics = description.entries.evaluate && { metrics: description.metrics };
  const written = checkManifest({
    format: formatOf({ ...placed, ...metrics }),
    name: program.name,
    generator: options.generator,
    seed,
    modules: described,
    ...placed,
    ...metrics,
    ...(description.entries.calibrate && { calibration: description.calibration }),
    ...(weights && { weights: { file: WEIGHTS, bytes: weights.length, sha256: await sha256(weights) } }),
  });
  const manifest: Manifest = { ...written, sha256: await digestOf(written) };
  files.set(MANIFEST, `${JSON.stringify(manifest)}\n`);
  files.set(RUNTIME, runtimeText(options.runtime, loadedFiles(manifest)));
  files.set(TYPES, declarations(manifest));
  files.set(PACKAGE, PACKAGE_TEXT);
  return { files, manifest, modules, notes };
}

/** What model.js loads from beside itself. */
function loadedFiles({ modules, weights }: Manifest): string[] {
  return [MANIFEST, ...modules.map(({ file }) => file), ...(weights ? [weights.file] : [])];
}

/** The plain module has the plain name unless a better one takes it. */
function fileOf({ threads, relaxed }: { threads: boolean; relaxed: boolean }, count: number): string {
  if (count === 1) return 'model.wasm';
  const features = [threads && 'threads', relaxed && 'relaxed'].filter(Boolean);
  if (2 ** features.length === count) return 'model.wasm';
  return `model.${features.length ? features.join('-') : 'plain'}.wasm`;
}

/** The program with these entries, by default all but what diagnostics use, and the variables that they need. */
function only(program: Program, names: readonly string[] | undefined): Program {
  const known = Object.keys(program.entries).filter((name) => name !== 'diagnose');
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new OptionError(`entry: ${program.name} has no ${unknown}; it has ${known.join(', ')}`);
  if (names?.length === 0) throw new OptionError(`entry: choose at least one of ${known.join(', ')}`);
  const entries = Object.fromEntries(
    known.filter((name) => names?.includes(name) ?? true).map((name) => [name, program.entries[name]]),
  );
  const used = new Set(
    Object.values(entries).flatMap((graph) => graph.inputs.map((n) => inputAttrs(n).name)),
  );
  return {
    ...program,
    entries,
    diagnostics: undefined,
    variables: program.variables.filter((v) => used.has(v.name)),
  };
}

function describeOnly(all: ProgramDescription, { entries, variables }: Program): ProgramDescription {
  const names = new Set(variables.map((v) => v.name));
  return {
    ...all,
    diagnostics: undefined,
    variables: all.variables.filter((v) => names.has(v.name)).map(writable),
    entries: Object.fromEntries(Object.keys(entries).map((name) => [name, all.entries[name]])),
  };
}

/** Without a fill that JSON cannot hold, such as one of infinities: its elements are then kept as weights. */
function writable({ fill, ...variable }: VariableDescription): VariableDescription {
  const numbers =
    fill &&
    Object.values(fill)
      .flat()
      .filter((value) => typeof value === 'number');
  return numbers?.every(isInJson) ? { ...variable, fill } : variable;
}

/** What the description names, with its place in memory. */
function layout(
  { variables, entries }: ProgramDescription,
  placed: MemoryLayout,
): Pick<Manifest, 'memory' | 'variables' | 'constants' | 'entries'> {
  const addressIn = (buffers: readonly Pick<Buffer, 'name' | 'address' | 'panels'>[]) => {
    const places = new Map(buffers.map(({ name, address, panels }) => [name, { address, panels }]));
    return <T extends { name: string }>(part: T) => ({ ...part, ...places.get(part.name)! });
  };
  return {
    memory: { bytes: placed.end, threadScratch: placed.threadScratch },
    variables: variables.map(addressIn(placed.variables)),
    constants: placed.constants.map(({ name, shape, dtype, address, values }) => {
      const elements = dtype === 'f32' ? Float32Array.from(values) : Int32Array.from(values);
      return { name, shape, dtype, address, data: base64(new Uint8Array(elements.buffer)) };
    }),
    entries: Object.fromEntries(
      Object.entries(entries).map(([name, { inputs, outputs, assigns }]) => [
        name,
        {
          inputs: inputs.map(addressIn(placed.entries[name].inputs)),
          outputs: outputs.map(addressIn(placed.entries[name].outputs)),
          guards: placed.entries[name].guards,
          // Entries with a method of their own are known to.
          ...(assigns && !METHODS.has(name) && { assigns }),
        },
      ]),
    ),
  };
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The weights to write: those asked for, and those that no seed can make again. */
async function weightsOf(
  program: Program,
  { variables }: ProgramDescription,
  { weights, seed }: Pick<AheadOptions, 'weights'> & { seed: number },
  notes: string[],
): Promise<Uint8Array | undefined> {
  const baked = variables.filter((v) => !v.fill).map((v) => v.name);
  if (weights === undefined && baked.length === 0) return undefined;
  const initial = initialValues(program.variables, seed);
  if (weights instanceof Uint8Array) return checkWeights(weights, variables, initial, notes);
  if (baked.length > 0 && weights === undefined) {
    notes.push(
      `${baked.join(', ')} ${baked.length > 1 ? 'begin' : 'begins'} with values that model.json cannot describe, so they are kept in ${WEIGHTS}, made with seed ${seed}`,
    );
  }
  const tensors: Tensors = new Map(
    variables.map(({ name, shape }) => {
      const data = initial.get(name)!;
      return [name, storedTensor(shape, data)];
    }),
  );
  return encodeSafetensors(tensors, { format: '2headgrad', step: '0', seed: String(seed) });
}
